// A client for test_legal_traffic.py: `java Client.java SCENARIO URL AUTHORITY NUMBER` prints what it saw, on one
// connection of java.net.http's HttpClient as everybody has it.
import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Client {
    static HttpClient client(String authority) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (FileInputStream file = new FileInputStream(authority)) {
            store.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return HttpClient.newBuilder().sslContext(context).version(HttpClient.Version.HTTP_2).build();
    }

    public static void main(String[] args) throws Exception {
        HttpClient client = client(args[2]);
        int number = Integer.parseInt(args[3]);
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(args[1]));
        if (args[0].equals("download")) {
            HttpResponse<byte[]> response = client.send(builder.build(), HttpResponse.BodyHandlers.ofByteArray());
            System.out.println(response.statusCode() + " " + response.body().length);
        } else if (args[0].equals("upload")) {
            HttpRequest request = builder.POST(HttpRequest.BodyPublishers.ofByteArray(new byte[number])).build();
            System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode() + " " + number);
        } else {
            // The first opens the connection that the others share.
            client.send(builder.build(), HttpResponse.BodyHandlers.discarding());
            Semaphore room = new Semaphore(50);
            List<CompletableFuture<Integer>> answers = new ArrayList<>();
            for (int n = 1; n < number; n++) {
                room.acquire();
                CompletableFuture<HttpResponse<Void>> sent =
                    client.sendAsync(builder.build(), HttpResponse.BodyHandlers.discarding());
                CompletableFuture<Integer> seen = sent.handle((response, error) -> {
                    room.release();
                    return error != null ? -1 : response.statusCode();
                });
                answers.add(seen);
                if (n % 10 == 0) {
                    sent.cancel(true);
                }
            }
            int good = 1;
            int cancelled = 0;
            for (CompletableFuture<Integer> answer : answers) {
                int status = answer.join();
                good += status == 200 ? 1 : 0;
                cancelled += status == -1 ? 1 : 0;
            }
            System.out.println(good + " " + cancelled);
        }
        System.exit(0);
    }
}
