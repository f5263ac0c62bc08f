/* What the same work costs in C: a server on libnghttp2, driven by a recording.
 *
 * usage: floor RECORDING
 *
 * RECORDING is written by bench/floor/__init__.py, which describes its layout. Each line
 * of standard input is a command, answered by one line of standard output:
 *
 *   round         serve the recording once; print the nanoseconds of
 *                 processor time it took
 *   answers FILE  serve it once; write to FILE what each connection was sent, each
 *                 after its length in four octets, least first; print "ok"
 */
#include <nghttp2/nghttp2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    OUTPUT_BLOCK = 65536,
    MAX_FRAME = 16384,
    TOGETHER = 10 /* connections that are open at once, as in bench/rounds.py */
};

typedef struct {
    const uint8_t *octets;
    size_t length;
} Span;

typedef struct {
    Span length; /* the value of content-length */
    Span date;
    Span body;
} Answer;

typedef struct {
    uint32_t connections;
    uint32_t fresh; /* whether making a connection is timed */
    Span opening;
    size_t warmup_count, read_count, answer_count;
    Span *warmup, *reads;
    Answer *answers; /* those of the warm-up first */
} Recording;

/* One response on its way: what is left of its body. */
typedef struct {
    const uint8_t *next;
    size_t left;
} Body;

typedef struct {
    nghttp2_session *session;
    const Answer *answers;
    Body *bodies; /* one for each answer */
    size_t answered;
    size_t header_octets;
    uint8_t *output; /* OUTPUT_BLOCK octets: what one write takes */
    size_t output_length;
    uint8_t received[MAX_FRAME]; /* the copy of a DATA frame */
    FILE *kept;                  /* where output goes when it is checked, or NULL */
    uint32_t kept_length;
} Connection;

static void fail(const char *what) {
    fprintf(stderr, "floor: %s\n", what);
    exit(1);
}

static void *allocate(size_t size) {
    void *made = calloc(1, size ? size : 1);
    if (made == NULL) {
        fail("out of memory");
    }
    return made;
}

/* Reading the recording */

typedef struct {
    const uint8_t *next, *end;
} Cursor;

static uint32_t read_number(Cursor *from) {
    if (from->end - from->next < 4) {
        fail("the recording ends too early");
    }
    const uint8_t *octets = from->next;
    from->next += 4;
    return (uint32_t)octets[0] | (uint32_t)octets[1] << 8 | (uint32_t)octets[2] << 16 |
           (uint32_t)octets[3] << 24;
}

static Span read_span(Cursor *from) {
    Span span;
    span.length = read_number(from);
    if ((size_t)(from->end - from->next) < span.length) {
        fail("the recording ends too early");
    }
    span.octets = from->next;
    from->next += span.length;
    return span;
}

static Span *read_spans(Cursor *from, size_t *count) {
    *count = read_number(from);
    Span *spans = allocate(*count * sizeof *spans);
    for (size_t i = 0; i < *count; i++) {
        spans[i] = read_span(from);
    }
    return spans;
}

static Recording load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        fail("the recording can't be opened");
    }
    long size = ftell(file);
    if (size < 0) {
        fail("the recording can't be read");
    }
    rewind(file);
    uint8_t *content = allocate((size_t)size);
    if (fread(content, 1, (size_t)size, file) != (size_t)size) {
        fail("the recording can't be read");
    }
    fclose(file);

    Cursor from = {content, content + size};
    Recording recording;
    recording.connections = read_number(&from);
    recording.fresh = read_number(&from);
    recording.opening = read_span(&from);
    recording.warmup = read_spans(&from, &recording.warmup_count);
    recording.reads = read_spans(&from, &recording.read_count);
    size_t body_count;
    Span *bodies = read_spans(&from, &body_count);
    recording.answer_count = read_number(&from);
    recording.answers = allocate(recording.answer_count * sizeof *recording.answers);
    for (size_t i = 0; i < recording.answer_count; i++) {
        recording.answers[i].length = read_span(&from);
        recording.answers[i].date = read_span(&from);
        uint32_t body = read_number(&from);
        if (body >= body_count) {
            fail("an answer names a body that isn't there");
        }
        recording.answers[i].body = bodies[body];
    }
    free(bodies);
    return recording;
}

/* The server */

static ssize_t read_body(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t length,
                         uint32_t *flags, nghttp2_data_source *source, void *user_data) {
    (void)session, (void)stream_id, (void)user_data;
    Body *body = source->ptr;
    size_t taken = body->left < length ? body->left : length;
    memcpy(buffer, body->next, taken);
    body->next += taken;
    body->left -= taken;
    if (body->left == 0) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)taken;
}

#define FIELD(name, octets, size) \
    {(uint8_t *)(name), (uint8_t *)(octets), sizeof(name) - 1, (size), \
     NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE}

static int answer(Connection *connection, int32_t stream_id) {
    const Answer *answer = &connection->answers[connection->answered];
    Body *body = &connection->bodies[connection->answered++];
    body->next = answer->body.octets;
    body->left = answer->body.length;
    nghttp2_nv fields[] = {
        FIELD(":status", "200", 3),
        FIELD("content-type", "text/plain", 10),
        FIELD("content-length", answer->length.octets, answer->length.length),
        FIELD("server", "bench", 5),
        FIELD("date", answer->date.octets, answer->date.length),
    };
    nghttp2_data_provider provider = {.source = {.ptr = body}, .read_callback = read_body};
    return nghttp2_submit_response(connection->session, stream_id, fields, sizeof fields / sizeof *fields,
                                   &provider);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *user_data) {
    (void)session, (void)frame, (void)name, (void)value, (void)flags;
    Connection *connection = user_data;
    connection->header_octets += name_length + value_length;
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data,
                   size_t length, void *user_data) {
    (void)session, (void)flags, (void)stream_id;
    Connection *connection = user_data;
    memcpy(connection->received, data, length < MAX_FRAME ? length : MAX_FRAME);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data) {
    (void)session;
    int carries_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (carries_request && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
        return answer(user_data, frame->hd.stream_id);
    }
    return 0;
}

static nghttp2_session_callbacks *callbacks(void) {
    nghttp2_session_callbacks *made;
    if (nghttp2_session_callbacks_new(&made) != 0) {
        fail("out of memory");
    }
    nghttp2_session_callbacks_set_on_header_callback(made, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, on_frame);
    return made;
}

static void flush(Connection *connection) {
    if (connection->kept != NULL) {
        fwrite(connection->output, 1, connection->output_length, connection->kept);
        connection->kept_length += (uint32_t)connection->output_length;
    }
    connection->output_length = 0;
}

static void receive(Connection *connection, Span read) {
    if (nghttp2_session_mem_recv(connection->session, read.octets, read.length) != (ssize_t)read.length) {
        fail("nghttp2 refused a read");
    }
    for (;;) {
        const uint8_t *frame;
        ssize_t length = nghttp2_session_mem_send(connection->session, &frame);
        if (length < 0) {
            fail("nghttp2 can't send");
        }
        if (length == 0) {
            break;
        }
        if ((size_t)length > OUTPUT_BLOCK - connection->output_length) {
            flush(connection);
        }
        memcpy(connection->output + connection->output_length, frame, (size_t)length);
        connection->output_length += (size_t)length;
    }
    flush(connection);
}

static void connect_to(Connection *connection, nghttp2_session_callbacks *with, Span opening) {
    if (nghttp2_session_server_new(&connection->session, with, connection) != 0 ||
        nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, NULL, 0) != 0) {
        fail("nghttp2 can't start a session");
    }
    receive(connection, opening);
}

/* Processor time: whoever else runs on the machine takes none of it. */
static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void open_connection(Connection *connection, const Recording *recording, FILE *kept) {
    memset(connection, 0, sizeof *connection);
    connection->answers = recording->answers;
    connection->bodies = allocate(recording->answer_count * sizeof *connection->bodies);
    connection->output = allocate(OUTPUT_BLOCK);
    connection->kept = kept;
}

static void close_connection(Connection *connection, const Recording *recording) {
    if (connection->answered != recording->answer_count) {
        fail("not every request was answered");
    }
    nghttp2_session_del(connection->session);
    connection->session = NULL;
    free(connection->bodies);
    free(connection->output);
}

static void receive_all(Connection *connection, const Span *reads, size_t count) {
    for (size_t i = 0; i < count; i++) {
        receive(connection, reads[i]);
    }
}

/* Serve the recording once. Returns the nanoseconds of the timed part. */
static uint64_t serve(const Recording *recording, nghttp2_session_callbacks *with) {
    Connection *batch = allocate(TOGETHER * sizeof *batch);
    uint64_t spent = 0;
    for (uint32_t done = 0; done < recording->connections; done += TOGETHER) {
        uint32_t left = recording->connections - done;
        uint32_t size = left < TOGETHER ? left : TOGETHER;
        for (uint32_t i = 0; i < size; i++) {
            open_connection(&batch[i], recording, NULL);
            if (!recording->fresh) {
                connect_to(&batch[i], with, recording->opening);
                receive_all(&batch[i], recording->warmup, recording->warmup_count);
            }
        }
        uint64_t start = now();
        for (uint32_t i = 0; i < size; i++) {
            if (recording->fresh) {
                connect_to(&batch[i], with, recording->opening);
            }
            receive_all(&batch[i], recording->reads, recording->read_count);
            if (recording->fresh) {
                nghttp2_session_del(batch[i].session);
                batch[i].session = NULL;
            }
        }
        spent += now() - start;
        for (uint32_t i = 0; i < size; i++) {
            close_connection(&batch[i], recording);
        }
    }
    free(batch);
    return spent;
}

/* Serve the recording once and write what each connection was sent. */
static void write_answers(const Recording *recording, nghttp2_session_callbacks *with, const char *path) {
    FILE *kept = fopen(path, "w+b");
    if (kept == NULL) {
        fail("the answers can't be written");
    }
    for (uint32_t i = 0; i < recording->connections; i++) {
        Connection connection;
        long start = ftell(kept);
        fwrite("\0\0\0\0", 1, 4, kept);
        open_connection(&connection, recording, kept);
        connect_to(&connection, with, recording->opening);
        receive_all(&connection, recording->warmup, recording->warmup_count);
        receive_all(&connection, recording->reads, recording->read_count);
        uint32_t length = connection.kept_length;
        uint8_t written[4] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16),
                              (uint8_t)(length >> 24)};
        close_connection(&connection, recording);
        if (start < 0 || fseek(kept, start, SEEK_SET) != 0 || fwrite(written, 1, 4, kept) != 4 ||
            fseek(kept, 0, SEEK_END) != 0) {
            fail("the answers can't be written");
        }
    }
    if (fclose(kept) != 0) {
        fail("the answers can't be written");
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fail("usage: floor RECORDING");
    }
    Recording recording = load(argv[1]);
    nghttp2_session_callbacks *with = callbacks();
    char line[4096];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "round") == 0) {
            printf("%llu\n", (unsigned long long)serve(&recording, with));
        } else if (strncmp(line, "answers ", 8) == 0) {
            write_answers(&recording, with, line + 8);
            puts("ok");
        } else if (strcmp(line, "version") == 0) {
            puts(nghttp2_version(0)->version_str);
        } else {
            fail("unknown command");
        }
        fflush(stdout);
    }
    return 0;
}
