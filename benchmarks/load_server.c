/* An HTTP/1.1 server on loopback that only sends bytes rendered before; one thread, Linux.

   load_server FOLDER [CORE]: FOLDER has a file `answers`, one line for each answer,

       name delay_ms period_ms repeat head_bytes body_bytes tail_bytes

   and a file for each name with head, body and tail. A POST to /NAME/... is answered with the
   head, `repeat` times the body, and the tail. The answer begins after delay_ms. With a period,
   each body waits for the next multiple of it on the clock, as tokens of an engine do that decodes
   a batch, and sixteen zeros in it become the microseconds since 1970 at which it is sent.
   GET /cpu answers with the CPU time of this process in microseconds. The port is printed; the
   server ends when its standard input does. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ANSWERS = 64, MOST_EVENTS = 512, MOST_PARTS = 16, STAMP = 16, ROOM = 1 << 14 };

struct answer {
    char name[64];
    long delay_us, period_us, repeat, head, body, tail, stamp;
    char *bytes;
};

struct connection {
    int fd, polled;
    long have, skip;               /* bytes of a request's head; bytes of its body still to come */
    long due;                      /* when to go on; 0 where it does not wait for the clock */
    long sent, allowed;            /* bytes of the answer; up to where the clock has let it go */
    struct answer *answer;         /* NULL while a request is awaited */
    struct connection *before, *after; /* those that wait for the clock */
    char request[ROOM];
};

static struct answer answers[MOST_ANSWERS];
static int answer_count, poller;
static struct connection waiting = {.before = &waiting, .after = &waiting};
static long next_due;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static long now_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static void load(const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/answers", folder);
    FILE *list = fopen(path, "r");
    if (!list)
        fail(path);
    struct answer each = {0};
    while (fscanf(list, "%63s %ld %ld %ld %ld %ld %ld", each.name, &each.delay_us, &each.period_us,
                  &each.repeat, &each.head, &each.body, &each.tail) == 7) {
        long size = each.head + each.body + each.tail;
        if (answer_count == MOST_ANSWERS)
            fail("too many answers");
        snprintf(path, sizeof path, "%s/%s", folder, each.name);
        FILE *file = fopen(path, "rb");
        each.bytes = malloc((size_t)size);
        if (!file || !each.bytes || fread(each.bytes, 1, (size_t)size, file) != (size_t)size)
            fail(path);
        fclose(file);
        each.delay_us *= 1000;
        each.period_us *= 1000;
        char *stamp = memmem(each.bytes + each.head, (size_t)each.body, "0000000000000000", STAMP);
        each.stamp = each.period_us && stamp ? stamp - each.bytes : 0;
        answers[answer_count++] = each;
    }
    fclose(list);
}

static void watch(struct connection *c, int events)
{
    if (c->polled == events)
        return;
    struct epoll_event event = {.events = (unsigned)events, .data.ptr = c};
    epoll_ctl(poller, c->polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &event);
    c->polled = events;
}

static void unwait(struct connection *c)
{
    if (!c->due)
        return;
    c->before->after = c->after;
    c->after->before = c->before;
    c->due = 0;
}

static void wait_until(struct connection *c, long due)
{
    c->due = due;
    c->before = waiting.before;
    c->after = &waiting;
    c->before->after = waiting.before = c;
    if (!next_due || due < next_due)
        next_due = due;
}

static void hang_up(struct connection *c)
{
    unwait(c);
    close(c->fd);
    c->fd = -1; /* freed by the loop, which may still have an event of it */
}

static long end_of(const struct answer *a)
{
    return a->head + a->body * a->repeat + a->tail;
}

/* The parts of the answer from where it stands to where the clock lets it go. */
static int parts(const struct connection *c, struct iovec *part)
{
    struct answer *a = c->answer;
    long bodies_end = a->head + a->body * a->repeat;
    int count = 0;
    for (long at = c->sent; at < c->allowed && count < MOST_PARTS; at += part[count++].iov_len) {
        long start = at, stop = a->head;
        if (at >= bodies_end) {
            start = at - bodies_end + a->head + a->body, stop = a->head + a->body + a->tail;
        } else if (at >= a->head) {
            start = a->head + (at - a->head) % a->body, stop = a->head + a->body;
        }
        part[count] = (struct iovec){a->bytes + start, (size_t)(stop - start)};
    }
    return count;
}

static void respond(struct connection *c)
{
    struct answer *a = c->answer;
    while (c->sent < c->allowed) {
        struct iovec part[MOST_PARTS];
        ssize_t sent = writev(c->fd, part, parts(c, part));
        if (sent < 0 && errno == EAGAIN) {
            watch(c, EPOLLIN | EPOLLOUT);
            return;
        }
        if (sent < 0) {
            hang_up(c);
            return;
        }
        c->sent += sent;
    }
    watch(c, EPOLLIN);
    if (c->sent == end_of(a))
        c->answer = NULL;
    else
        wait_until(c, (now_us(CLOCK_REALTIME) / a->period_us + 1) * a->period_us);
}

/* Let the answer go on: all of it, or one body with the time in it. */
static void release(struct connection *c)
{
    struct answer *a = c->answer;
    if (!a->period_us) {
        c->allowed = end_of(a);
    } else if (!c->sent) {
        c->allowed = a->head;
    } else {
        c->allowed += a->body;
        if (c->allowed == a->head + a->body * a->repeat)
            c->allowed += a->tail;
        if (a->stamp) {
            char stamp[32];
            snprintf(stamp, sizeof stamp, "%016ld", now_us(CLOCK_REALTIME));
            memcpy(a->bytes + a->stamp, stamp, STAMP);
        }
    }
    respond(c);
}

/* Go on with those whose time has come; they may wait again, behind the last of now. */
static void ring(void)
{
    long now = now_us(CLOCK_REALTIME);
    if (!next_due || now < next_due)
        return;
    next_due = 0;
    struct connection *last = waiting.before;
    for (struct connection *c = waiting.after, *after; c != &waiting; c = after) {
        int at_last = c == last;
        after = c->after;
        if (c->due <= now) {
            unwait(c);
            release(c);
            if (c->fd < 0)
                free(c);
        } else if (!next_due || c->due < next_due) {
            next_due = c->due;
        }
        if (at_last)
            break;
    }
}

static void tell_cpu(struct connection *c)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    long cpu = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000L +
               used.ru_utime.tv_usec + used.ru_stime.tv_usec;
    char body[32], reply[128];
    int size = snprintf(body, sizeof body, "%ld", cpu);
    int whole = snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s",
                         size, body);
    if (write(c->fd, reply, (size_t)whole) != whole)
        hang_up(c);
}

/* A whole head is in c->request: find what it asks for. */
static void ask(struct connection *c, char *end)
{
    *end = 0;
    if (!strncmp(c->request, "GET /cpu", 8)) {
        tell_cpu(c);
        c->have = 0;
        return;
    }
    char name[64] = "";
    sscanf(c->request, "POST /%63[^/]", name);
    char *length = strcasestr(c->request, "\ncontent-length:");
    long body = length ? atol(length + 16) : 0;
    c->skip = body - (c->have - (end + 4 - c->request));
    c->have = 0;
    for (int i = 0; i < answer_count; i++)
        if (!strcmp(answers[i].name, name))
            c->answer = &answers[i];
    if (!c->answer || c->skip < 0)
        hang_up(c);
}

static void begin(struct connection *c)
{
    c->sent = c->allowed = c->skip = 0;
    if (c->answer->delay_us)
        wait_until(c, now_us(CLOCK_REALTIME) + c->answer->delay_us);
    else
        release(c);
}

static void receive(struct connection *c)
{
    static char sink[1 << 18];
    for (;;) {
        int in_body = c->answer && c->skip;
        char *place = in_body ? sink : c->request + c->have;
        size_t most = in_body ? sizeof sink : (size_t)(ROOM - 1 - c->have);
        ssize_t got = read(c->fd, place, most);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0 || (c->answer && !in_body)) {
            hang_up(c); /* it was closed, or spoke before it was answered */
            return;
        }
        if (in_body) {
            c->skip -= got;
        } else {
            c->have += got;
            c->request[c->have] = 0;
            char *end = memmem(c->request, (size_t)c->have, "\r\n\r\n", 4);
            if (end)
                ask(c, end);
            else if (c->have == ROOM - 1)
                hang_up(c);
        }
        if (c->fd < 0)
            return;
        if (c->answer && c->skip <= 0) {
            begin(c);
            return;
        }
        if ((size_t)got < most)
            return;
    }
}

static void welcome(int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        if (!c)
            fail("calloc");
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(c, EPOLLIN);
    }
}

static int listen_here(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&here, size) || listen(listener, 4096) ||
        getsockname(listener, (struct sockaddr *)&here, &size))
        fail("listen");
    printf("%d\n", ntohs(here.sin_port));
    fflush(stdout);
    return listener;
}

int main(int count, char **arguments)
{
    struct rlimit files;
    static struct connection listening, input;
    if (count < 2)
        return 2;
    if (count > 2) {
        cpu_set_t core;
        CPU_ZERO(&core);
        CPU_SET(atoi(arguments[2]), &core);
        sched_setaffinity(0, sizeof core, &core);
    }
    load(arguments[1]);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    poller = epoll_create1(0);
    listening.fd = listen_here();
    watch(&listening, EPOLLIN);
    watch(&input, EPOLLIN);
    for (;;) {
        struct epoll_event events[MOST_EVENTS];
        long left = next_due ? next_due - now_us(CLOCK_REALTIME) : -1000;
        int timeout = next_due ? (left > 0 ? (int)(left / 1000) + 1 : 0) : -1;
        int ready = epoll_wait(poller, events, MOST_EVENTS, timeout);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (c == &input)
                return 0;
            if (c == &listening) {
                welcome(c->fd);
                continue;
            }
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                receive(c);
            if (c->fd >= 0 && events[i].events & EPOLLOUT && c->answer && !c->due)
                respond(c);
            if (c->fd < 0)
                free(c);
        }
        ring();
    }
}
