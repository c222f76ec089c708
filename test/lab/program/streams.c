/* streams sink PORT
 * streams run up|down PORT SECONDS LOCAL[%DEVICE]=REMOTE...
 * TCP through many sessions at once, a stream a pair, all in one process, so that the generator
 * costs the same for one session and for a hundred. `run` prints the octets a second of all streams
 * after a warm-up of one second: what was acknowledged (up) or came (down), and how many moved. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STREAMS_MAX = 512, CHUNK = 128 * 1024, EVENTS = 64 };

static char chunk[CHUNK];
static char sending[65536]; /* by descriptor: 1 sends, 0 receives, 2 has not said yet */
static double received[65536];

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void watch(int poll, int fd, unsigned events, int how)
{
	struct epoll_event event = {.events = events, .data.fd = fd};
	if (epoll_ctl(poll, how, fd, &event))
		fail("epoll_ctl");
}

/* Moves what one wake-up allows; -1 when the connection is over. */
static int move(int fd)
{
	ssize_t n = sending[fd] ? write(fd, chunk, CHUNK) : read(fd, chunk, CHUNK);
	if (n > 0)
		received[fd] += n;
	return n > 0 || (n < 0 && errno == EAGAIN) ? 0 : -1;
}

static void sink(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0), one = 1;
	struct epoll_event events[EVENTS];

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (void *)&at, sizeof at) || listen(listener, STREAMS_MAX))
		fail("listen");
	watch(poll, listener, EPOLLIN, EPOLL_CTL_ADD);
	for (;;) {
		int count = epoll_wait(poll, events, EVENTS, -1);
		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;
			if (fd == listener) {
				fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
				if (fd < 0)
					continue;
				sending[fd] = 2;
				watch(poll, fd, EPOLLIN, EPOLL_CTL_ADD);
			} else if (sending[fd] == 2) {
				char word = 0;
				if (read(fd, &word, 1) != 1) {
					close(fd);
					continue;
				}
				sending[fd] = word == 'd';
				if (sending[fd])
					watch(poll, fd, EPOLLOUT, EPOLL_CTL_MOD);
			} else if (move(fd)) {
				close(fd);
			}
		}
	}
}

/* What arrived so far, by whoever sends it. */
static double arrived(int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof info;

	if (!sending[fd])
		return received[fd];
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length))
		fail("TCP_INFO");
	return info.tcpi_bytes_acked;
}

static int dial(const char *pair, int port, char word)
{
	char text[128];
	struct sockaddr_in local = {.sin_family = AF_INET}, remote = {.sin_family = AF_INET};
	snprintf(text, sizeof text, "%s", pair);
	char *far = strchr(text, '='), *device = strchr(text, '%');
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (!far)
		return -1;
	*far++ = 0;
	if (device)
		*device++ = 0;
	remote.sin_port = htons(port);
	if (!inet_aton(text, &local.sin_addr) || !inet_aton(far, &remote.sin_addr))
		return -1;
	if (device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device) + 1))
		fail("bind to device");
	struct timeval patience = {.tv_sec = 10};
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (bind(fd, (void *)&local, sizeof local) || connect(fd, (void *)&remote, sizeof remote) ||
	    write(fd, &word, 1) != 1)
		fail(pair);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int run(int argc, char **argv)
{
	static int fds[STREAMS_MAX];
	static double before[STREAMS_MAX];
	struct epoll_event events[EVENTS];
	int up = !strcmp(argv[0], "up"), port = atoi(argv[1]), count = argc - 3, poll = epoll_create1(0);
	double seconds = atof(argv[2]), begun, total = 0, least = 1e300;
	int moved = 0, warm = 0;

	if (count > STREAMS_MAX)
		return 2;
	for (int i = 0; i < count; i++) {
		if ((fds[i] = dial(argv[3 + i], port, up ? 'u' : 'd')) < 0)
			fail(argv[3 + i]);
		sending[fds[i]] = up;
	}
	for (int i = 0; i < count; i++)
		watch(poll, fds[i], up ? EPOLLOUT : EPOLLIN, EPOLL_CTL_ADD);
	begun = now();
	for (double at = begun; at < begun + (warm ? seconds : 1); at = now()) {
		int ready = epoll_wait(poll, events, EVENTS, 100);
		for (int i = 0; i < ready; i++)
			if (move(events[i].data.fd))
				fail("stream");
		if (!warm && now() >= begun + 1) {
			for (int i = 0; i < count; i++)
				before[i] = arrived(fds[i]);
			begun = now();
			warm = 1;
		}
	}
	double elapsed = now() - begun;
	for (int i = 0; i < count; i++) {
		double each = (arrived(fds[i]) - before[i]) / elapsed;
		total += each;
		if (each > 0)
			moved++;
		if (each < least)
			least = each;
	}
	printf("{\"octetsPerSecond\":%.0f,\"least\":%.0f,\"streams\":%d,\"moved\":%d}\n", total, least,
	       count, moved);
	return 0;
}

int main(int argc, char **argv)
{
	memset(chunk, 'x', sizeof chunk);
	signal(SIGPIPE, SIG_IGN); /* Whoever is done closes; the sink goes on. */
	if (argc == 3 && !strcmp(argv[1], "sink"))
		sink(atoi(argv[2]));
	if (argc >= 6 && !strcmp(argv[1], "run"))
		return run(argc - 2, argv + 2);
	fprintf(stderr, "usage: streams sink PORT | streams run up|down PORT SECONDS PAIR...\n");
	return 2;
}
