// A client for test_go.py: `client SCENARIO URL AUTHORITY SIZE TIMES` prints a line of JSON for each time, each on a
// connection of its own. It is net/http as everybody has it; URL may begin with http:// too, for HTTP/2 in the clear.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type seen struct {
	Status  int     `json:"status"`
	Proto   string  `json:"proto"`
	Length  int64   `json:"length"`
	Sum     string  `json:"sum"`
	Body    string  `json:"body,omitempty"`
	Sent    string  `json:"sent,omitempty"`
	Seconds float64 `json:"seconds,omitempty"` // until an upload is answered
	Zipped  bool    `json:"zipped"`
	Error   string  `json:"error,omitempty"`
}

func client(scenario, url, authority string) *http.Client {
	transport := &http.Transport{}
	transport.Protocols = new(http.Protocols)
	if strings.HasPrefix(url, "http://") {
		transport.Protocols.SetUnencryptedHTTP2(true)
	} else {
		pem, err := os.ReadFile(authority)
		if err != nil {
			panic(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		transport.Protocols.SetHTTP2(scenario != "upload-by-http1")
		transport.Protocols.SetHTTP1(scenario == "upload-by-http1")
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &http.Client{Transport: transport, Timeout: 300 * time.Second}
}

// A body of a type that net/http knows no length of.
type stream struct{ io.Reader }

// One request, on a connection of its own.
func exchange(scenario, url, authority string, size int64) (result seen) {
	client := client(scenario, url, authority)
	defer client.CloseIdleConnections()
	var response *http.Response
	var err error
	sent := sha256.New()
	switch scenario {
	case "download":
		response, err = client.Get(url)
	case "upload", "upload-in-parts", "upload-by-http1":
		body := make([]byte, size)
		rand.New(rand.NewSource(size)).Read(body)
		sent.Write(body)
		result.Sent = hex.EncodeToString(sent.Sum(nil))
		var reader io.Reader = bytes.NewReader(body)
		if scenario == "upload-in-parts" {
			reader = stream{reader}
		}
		began := time.Now()
		response, err = client.Post(url, "application/octet-stream", reader)
		result.Seconds = time.Since(began).Seconds()
	default:
		panic("no such scenario")
	}
	if err != nil {
		result.Error = err.Error()
		return
	}
	defer response.Body.Close()
	result.Status, result.Proto, result.Zipped = response.StatusCode, response.Proto, response.Uncompressed
	hash := sha256.New()
	var head []byte
	// As applications read: 4 KiB at a time.
	for part := make([]byte, 4096); err == nil; {
		var count int
		count, err = response.Body.Read(part)
		hash.Write(part[:count])
		result.Length += int64(count)
		if result.Length <= 200 {
			head = append(head, part[:count]...)
		}
	}
	if err != io.EOF {
		result.Error = err.Error()
	}
	result.Sum = hex.EncodeToString(hash.Sum(nil))
	if result.Length <= 200 {
		result.Body = string(head)
	}
	return
}

// As many requests on one connection as size says, fifty at once, a tenth of them cancelled.
func many(url, authority string, size int64) map[string]int64 {
	client := client("many", url, authority)
	defer client.CloseIdleConnections()
	var good, cancelled atomic.Int64
	one := func(number int64) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		request, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		if number%10 == 9 {
			go cancel()
		}
		response, err := client.Do(request)
		if err != nil {
			cancelled.Add(1)
			return
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		good.Add(1)
	}
	one(0) // opens the connection that the others share
	var group sync.WaitGroup
	room := make(chan struct{}, 50)
	for number := int64(1); number < size; number++ {
		room <- struct{}{}
		group.Add(1)
		go func() {
			defer group.Done()
			one(number)
			<-room
		}()
	}
	group.Wait()
	return map[string]int64{"good": good.Load(), "cancelled": cancelled.Load()}
}

func main() {
	size, _ := strconv.ParseInt(os.Args[4], 10, 64)
	times, _ := strconv.Atoi(os.Args[5])
	if os.Args[1] == "many" {
		line, _ := json.Marshal(many(os.Args[2], os.Args[3], size))
		fmt.Println(string(line))
		return
	}
	for range times {
		line, _ := json.Marshal(exchange(os.Args[1], os.Args[2], os.Args[3], size))
		fmt.Println(string(line))
	}
}
