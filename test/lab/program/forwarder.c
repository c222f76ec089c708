/* forwarder TUN LOCAL PEER : the least a user-space tunnel can do. Each packet of TUN goes to
 * PEER:4700 as one UDP datagram and back: no header, no state, no cipher. For measuring only: an
 * upper limit, and the round trip that two such ends cost. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_tun.h>

enum { PORT = 4700, AT_ONCE = 64 };

int main(int argc, char **argv)
{
	static char packet[65536];
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(PORT)}, peer = local;
	int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	if (argc != 4 || !inet_aton(argv[2], &local.sin_addr) || !inet_aton(argv[3], &peer.sin_addr)) {
		fprintf(stderr, "usage: forwarder TUN LOCAL PEER\n");
		return 2;
	}
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", argv[1]);
	if (tun < 0 || ioctl(tun, TUNSETIFF, &request) || bind(udp, (void *)&local, sizeof local) ||
	    connect(udp, (void *)&peer, sizeof peer)) {
		perror("forwarder");
		return 1;
	}
	struct pollfd watched[] = {{.fd = tun, .events = POLLIN}, {.fd = udp, .events = POLLIN}};
	while (poll(watched, 2, -1) > 0) {
		for (int side = 0; side < 2; side++) {
			int from = side ? udp : tun, to = side ? tun : udp;
			if (!watched[side].revents)
				continue;
			for (int n = 0; n < AT_ONCE; n++) {
				ssize_t length = read(from, packet, sizeof packet);
				if (length <= 0)
					break;
				/* A full queue loses the packet, as a network does. */
				if (write(to, packet, length) < 0)
					continue;
			}
		}
	}
	return 1;
}
