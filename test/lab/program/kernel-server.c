/* kernel-server ADDRESS POOL PPPD-OPTION... : the PAC's side of PPTP (RFC 2637 section 2) over the
 * kernel's own channel, for measuring only: Start-Control-Connection, Outgoing-Call, Echo, and a
 * pppd with the plugin kernel-channel.so for each call. No data packet comes up to user space.
 * ADDRESS is where it listens; POOL, e.g. 10.99.0, gives .1 here and .2 upwards to clients. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/if_pppox.h>

enum { OPTIONS_MAX = 64, MESSAGE_MAX = 220, CALLS_MAX = 250 };
enum { SCCRQ = 1, SCCRP = 2, STOPCCRQ = 3, ECHO_REQUEST = 5, ECHO_REPLY = 6, OCRQ = 7, OCRP = 8, CCRQ = 12 };

static const char *pool;
static char **pppd_options;
static int pppd_options_count;

static uint16_t get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static int read_whole(int fd, uint8_t *to, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = read(fd, to + done, length - done);
		if (n <= 0)
			return -1;
		done += n;
	}
	return 0;
}

/* One message; its type, or -1 at the connection's end or a length that no message has. */
static int next_message(int control, uint8_t *message)
{
	if (read_whole(control, message, 12))
		return -1;
	unsigned length = get16(message);
	if (length < 16 || length > MESSAGE_MAX || read_whole(control, message + 12, length - 12))
		return -1;
	return get16(message + 8);
}

static void answer(int control, unsigned type, uint8_t *message, unsigned length)
{
	static const uint8_t head[] = {0, 0, 0, 1, 0x1a, 0x2b, 0x3c, 0x4d};

	memcpy(message, head, sizeof head);
	put16(message, length);
	put16(message + 8, type);
	if (write(control, message, length) != (ssize_t)length)
		exit(1);
}

static void answer_start(int control)
{
	uint8_t m[156] = {0};

	put16(m + 12, 0x0100);
	m[14] = 1;
	m[19] = 3;
	m[23] = 3;
	put16(m + 24, 1000);
	strcpy((char *)m + 28, "kernel-server");
	answer(control, SCCRP, m, sizeof m);
}

/* The kernel's channel between the two ends of `control`; its own Call ID comes back in *call_id. */
static int open_channel(int control, uint16_t peers_call_id, uint16_t *call_id)
{
	struct sockaddr_in ours, peer;
	socklen_t length = sizeof ours;
	int channel = socket(AF_PPPOX, SOCK_STREAM, PX_PROTO_PPTP);
	struct sockaddr_pppox at = {.sa_family = AF_PPPOX, .sa_protocol = PX_PROTO_PPTP};

	getsockname(control, (void *)&ours, &length);
	length = sizeof peer;
	getpeername(control, (void *)&peer, &length);
	at.sa_addr.pptp.sin_addr = ours.sin_addr;
	length = sizeof at;
	if (channel < 0 || bind(channel, (void *)&at, sizeof at) ||
	    getsockname(channel, (void *)&at, &length))
		return -1;
	*call_id = at.sa_addr.pptp.call_id;
	at.sa_addr.pptp.sin_addr = peer.sin_addr;
	at.sa_addr.pptp.call_id = peers_call_id;
	return connect(channel, (void *)&at, sizeof at) ? -1 : channel;
}

static pid_t start_pppd(int channel, int number)
{
	char fd[16], addresses[64], plugin[512];
	const char *here = getenv("LAB_HERE");
	char *words[OPTIONS_MAX + 16] = {"pppd", "plugin", plugin, "kpptp-fd", fd, addresses, "nodetach"};
	int count = 7;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	snprintf(plugin, sizeof plugin, "%s/bin/kernel-channel.so", here ? here : ".");
	snprintf(fd, sizeof fd, "%d", channel);
	snprintf(addresses, sizeof addresses, "%s.1:%s.%d", pool, pool, number + 2);
	for (int i = 0; i < pppd_options_count; i++)
		words[count++] = pppd_options[i];
	execv("/usr/sbin/pppd", words);
	perror("pppd");
	_exit(1);
}

static pid_t answer_call(int control, const uint8_t *request, int number)
{
	uint8_t m[32] = {0};
	uint16_t call_id = 0;
	int channel = open_channel(control, get16(request + 12), &call_id);

	put16(m + 12, call_id);
	put16(m + 14, get16(request + 12));
	m[16] = channel < 0 ? 2 : 1; /* General Error, or Connected */
	m[17] = channel < 0 ? 4 : 0; /* No-Resource */
	memcpy(m + 20, request + 20, 4); /* Connect Speed */
	put16(m + 24, 64);
	if (channel < 0)
		fprintf(stderr, "channel: %s\n", strerror(errno));
	/* pppd may speak at once: the channel is there before the reply. */
	answer(control, OCRP, m, sizeof m);
	if (channel < 0)
		return 0;
	pid_t pid = start_pppd(channel, number);
	close(channel);
	return pid;
}

/* One control connection from its accept to its end, with at most one call. */
static void serve(int control, int number)
{
	uint8_t m[MESSAGE_MAX];
	pid_t pppd = 0;
	int one = 1;

	setsockopt(control, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	for (int type; (type = next_message(control, m)) > 0 && type != STOPCCRQ && type != CCRQ;) {
		if (type == SCCRQ) {
			answer_start(control);
		} else if (type == OCRQ && pppd == 0) {
			pppd = answer_call(control, m, number);
		} else if (type == ECHO_REQUEST) {
			uint8_t reply[20] = {0};
			memcpy(reply + 12, m + 12, 4);
			reply[16] = 1;
			answer(control, ECHO_REPLY, reply, sizeof reply);
		}
	}
	if (pppd > 0) {
		kill(pppd, SIGTERM);
		waitpid(pppd, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(1723)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, number = 0;

	if (argc < 3 || argc - 3 > OPTIONS_MAX || !inet_aton(argv[1], &at.sin_addr)) {
		fprintf(stderr, "usage: kernel-server ADDRESS POOL PPPD-OPTION...\n");
		return 2;
	}
	pool = argv[2];
	pppd_options = argv + 3;
	pppd_options_count = argc - 3;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (void *)&at, sizeof at) || listen(listener, 128)) {
		perror("listen");
		return 1;
	}
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int control = accept(listener, NULL, NULL);
		if (control < 0)
			continue;
		if (fork() == 0) {
			signal(SIGCHLD, SIG_DFL);
			close(listener);
			serve(control, number);
			_exit(0);
		}
		close(control);
		number = (number + 1) % CALLS_MAX;
	}
}
