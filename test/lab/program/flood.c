// flood DESTINATION PROTOCOL RATE PACKETS SECONDS FILE : sends the datagrams in FILE over and over as payloads of
// IPv4 packets of that protocol number, RATE a second (0: as many as go), until PACKETS went (0: no
// matter how many) or SECONDS are over. A datagram in FILE: its source address (4 octets), its length
// (2, network order), itself. What they mean is none of its business. Prints what went as JSON.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { HEADER = 20, BATCH = 64, DATAGRAM_MAX = 1400, DATAGRAMS_MAX = 65536 };

static volatile sig_atomic_t over;
static void stop(int signal) {
  (void)signal;
  over = 1;
}

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec + at.tv_nsec / 1e9;
}

static void fail(const char *what) {
  fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
  exit(1);
}

static struct iovec packets[DATAGRAMS_MAX];

// Whole IPv4 packets; the kernel fills in Identification and checksum.
static unsigned read_packets(const char *path, in_addr_t destination, int protocol) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail(path);
  unsigned count = 0;
  uint8_t head[6];
  while (count < DATAGRAMS_MAX && fread(head, 1, sizeof head, file) == sizeof head) {
    unsigned length = head[4] << 8 | head[5];
    uint8_t *packet = length > DATAGRAM_MAX ? NULL : calloc(1, HEADER + length);
    if (packet == NULL || fread(packet + HEADER, 1, length, file) != length) fail("datagram");
    packet[0] = 0x45;
    packet[8] = 64;
    packet[9] = protocol;
    memcpy(packet + 12, head, 4);
    memcpy(packet + 16, &destination, 4);
    packets[count++] = (struct iovec){packet, HEADER + length};
  }
  fclose(file);
  if (count == 0) fail("no datagram");
  return count;
}

int main(int count, char **words) {
  if (count != 7) {
    fprintf(stderr, "flood DESTINATION PROTOCOL RATE PACKETS SECONDS FILE\n");
    return 2;
  }
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(words[1])};
  double rate = atof(words[3]), most = atof(words[4]), seconds = atof(words[5]);
  unsigned all = read_packets(words[6], to.sin_addr.s_addr, atoi(words[2]));
  int raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  if (raw < 0) fail("socket");
  if (connect(raw, (struct sockaddr *)&to, sizeof to) < 0) fail("connect");
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BATCH; i++) messages[i].msg_hdr.msg_iovlen = 1;
  uint64_t sent = 0, octets = 0, refused = 0;
  unsigned next = 0;
  double begun = now(), at = begun;
  while (!over && at - begun < seconds && (most == 0 || sent < most)) {
    if (rate > 0 && sent + refused + BATCH > rate * (at - begun)) {
      nanosleep(&(struct timespec){0, 50000}, NULL);
      at = now();
      continue;
    }
    for (int i = 0; i < BATCH; i++) {
      messages[i].msg_hdr.msg_iov = &packets[next];
      next = next + 1 == all ? 0 : next + 1;
    }
    int went = sendmmsg(raw, messages, BATCH, 0);
    if (went < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) fail("sendmmsg");
    if (went < 0) went = 0;
    for (int i = 0; i < went; i++) octets += messages[i].msg_hdr.msg_iov->iov_len - HEADER;
    sent += went;
    refused += BATCH - went;
    at = now();
  }
  printf("{\"packets\":%lu,\"octets\":%lu,\"refused\":%lu,\"seconds\":%.3f}\n", sent, octets, refused,
         at - begun);
  return 0;
}
