/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE /* fopencookie */
/* Opens captures. libpcap reads through a stream of ours, so that progress costs nothing per packet. */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clocks.h"
#include "message.h"

enum { READ_SIZE = 1 << 20, PROGRESS_MIN = 64 << 20 };

/* libpcap's link types, and the engine's that reads them. */
static const struct {
	int dlt;
	enum link_type link;
} links[CAPTURE_LINK_TYPES] = {
	{ DLT_EN10MB, LINK_ETHERNET }, { DLT_RAW, LINK_IP },	      { DLT_IPV4, LINK_IP },
	{ DLT_IPV6, LINK_IP },	       { DLT_NULL, LINK_NULL },	      { DLT_LOOP, LINK_NULL },
	{ DLT_LINUX_SLL, LINK_SLL },   { DLT_LINUX_SLL2, LINK_SLL2 }, { DLT_PPP, LINK_PPP },
	{ DLT_PPP_SERIAL, LINK_PPP },
};

static ssize_t stream_read(void *cookie, char *to, size_t size)
{
	struct capture *capture = cookie;
	struct pollfd file = { .fd = capture->fd, .events = POLLIN };
	ssize_t got;

	if (capture->peeked_len && size >= capture->peeked_len) {
		got = (ssize_t)capture->peeked_len;
		memcpy(to, capture->peeked, capture->peeked_len);
		capture->peeked_len = 0;
		return got;
	}
	if (capture->stopped || poll(&file, 1, -1) < 0) /* what a signal ends; it would not end the read */
		return -1;
	got = read(capture->fd, to, size);
	if (got > 0)
		capture->read += (uint64_t)got;
	if (capture->progress.size)
		progress_show(&capture->progress, capture->read, clock_ms());
	return got;
}

static int stream_close(void *cookie)
{
	struct capture *capture = cookie;
	int fd = capture->fd;

	capture->fd = -1;
	return fd > STDERR_FILENO ? close(fd) : 0;
}

/* The file's name and size; 0 or -errno. */
static int capture_open_file(struct capture *capture, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat status;

	capture->name = slash ? slash + 1 : path;
	capture->path = strcmp(path, "-") ? path : "standard input";
	capture->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (capture->fd < 0 || fstat(capture->fd, &status))
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (S_ISREG(status.st_mode))
		capture->size = (uint64_t)status.st_size;
	if (capture->size >= PROGRESS_MIN && isatty(STDERR_FILENO))
		progress_begin(&capture->progress, capture->name, capture->size, clock_ms());
	return 0;
}

/* Looks at the first octets, which may come from a pipe; fewer if the file has fewer. */
static int capture_peek(struct capture *capture)
{
	while (capture->peeked_len < sizeof(capture->peeked)) {
		ssize_t got = read(capture->fd, capture->peeked + capture->peeked_len,
				   sizeof(capture->peeked) - capture->peeked_len);

		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		capture->peeked_len += (size_t)got;
	}
	return 0;
}

static bool capture_is_pcapng(const struct capture *capture)
{
	const uint32_t magic = PCAPNG_MAGIC;

	return capture->peeked_len == sizeof(magic) && !memcmp(capture->peeked, &magic, sizeof(magic));
}

/* Says what is no capture, and if it is known, what it is. */
static void capture_refuse(const struct capture *capture)
{
	static const struct {
		const char *magic, *program;
	} packed[] = { { "\x1f\x8b", "gzip" },
		       { "BZh", "bzip2" },
		       { "\xfd"
			 "7zX",
			 "xz" },
		       { "\x28\xb5\x2f\xfd", "zstd" },
		       { "\x04\x22\x4d\x18", "lz4" } };

	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		size_t len = strlen(packed[i].magic);

		if (capture->peeked_len < len || memcmp(capture->peeked, packed[i].magic, len))
			continue;
		message_put("%s: compressed; `%s -dc FILE | tcpscope -r -` reads it", capture->path, packed[i].program);
		return;
	}
	if (!capture->peeked_len)
		message_put("%s: empty: not even the header of a capture", capture->path);
	else
		message_put("%s: %s; pcap and pcapng files are read", capture->path, capture->error);
}

/* Opens the reader over our stream. Prints what fails. */
static int capture_open_stream(struct capture *capture)
{
	const cookie_io_functions_t functions = { .read = stream_read, .close = stream_close };
	const size_t peeked_len = capture->peeked_len;
	FILE *stream = fopencookie(capture, "r", functions);

	if (!stream) {
		int error = -errno;

		message_put("%s: %s", capture->path, strerror(-error));
		return error;
	}
	setvbuf(stream, NULL, _IOFBF, READ_SIZE);
	__fsetlocking(stream, FSETLOCKING_BYCALLER);
	if (capture_is_pcapng(capture)) {
		capture->pcapng.stream = stream;
		return 0;
	}
	capture->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, capture->error);
	if (capture->pcap)
		return 0;
	fclose(stream);
	capture->peeked_len = peeked_len;
	capture_refuse(capture);
	return -EINVAL;
}

/* False, and capture->error, if the engine cannot read it. */
static bool capture_set_link(struct capture *capture, int dlt)
{
	const char *name = pcap_datalink_val_to_name(dlt);

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (links[i].dlt == dlt) {
			capture->dlt = dlt;
			capture->link = (int)links[i].link;
			return true;
		}
	}
	snprintf(capture->error, sizeof(capture->error), "link type %d%s%s%s is not supported", dlt, name ? " (" : "",
		 name ? name : "", name ? ")" : "");
	return false;
}

size_t capture_link_types(const struct capture *capture, int types[CAPTURE_LINK_TYPES])
{
	if (capture->pcap) {
		types[0] = capture->dlt;
		return 1;
	}
	for (size_t i = 0; i < CAPTURE_LINK_TYPES; i++)
		types[i] = links[i].dlt;
	return CAPTURE_LINK_TYPES;
}

int capture_open(struct capture *capture, const char *path)
{
	int error;

	*capture = (struct capture){ .fd = -1, .dlt = -1 };
	error = capture_open_file(capture, path);
	if (!error)
		error = capture_peek(capture);
	if (error)
		message_put("%s: %s", *path ? capture->path : "-r", strerror(-error));
	else
		error = capture_open_stream(capture);
	if (!error && capture->pcap && !capture_set_link(capture, pcap_datalink(capture->pcap))) {
		message_put("%s: %s", capture->path, capture->error);
		error = -EPROTONOSUPPORT;
	}
	if (error)
		capture_close(capture);
	return error;
}

void capture_close(struct capture *capture)
{
	if (capture->pcap)
		pcap_close(capture->pcap);
	capture->pcap = NULL;
	pcapng_close(&capture->pcapng);
	if (capture->fd > STDERR_FILENO)
		close(capture->fd);
	capture->fd = -1;
}

static void pcap_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	struct capture *capture = (struct capture *)user;
	const struct capture_packet packet = {
		/* The file has 32 bits without a sign, of which libpcap makes one with it; tv_usec are ns: as
		 * opened. */
		.time_ns = (uint32_t)header->ts.tv_sec * NS_PER_SEC + (uint64_t)header->ts.tv_usec,
		.data = data,
		.captured = header->caplen,
		.len = header->len > header->caplen ? header->len : header->caplen,
		.dlt = capture->dlt,
		.link = (enum link_type)capture->link,
	};

	capture->handler(capture->context, &packet);
}

static bool capture_read_pcap(struct capture *capture)
{
	if (pcap_dispatch(capture->pcap, -1, pcap_packet, (u_char *)capture) != PCAP_ERROR || capture->stopped)
		return true;
	snprintf(capture->error, sizeof(capture->error), "%s", pcap_geterr(capture->pcap));
	return false;
}

/* Files and libpcap number link types alike, but for raw IP. */
static int dlt_of_linktype(uint16_t linktype)
{
	enum { LINKTYPE_RAW = 101 };

	return linktype == LINKTYPE_RAW ? DLT_RAW : linktype;
}

static bool capture_read_pcapng(struct capture *capture)
{
	struct pcapng_packet raw;
	int result = 0;

	while (!capture->stopped && (result = pcapng_next(&capture->pcapng, &raw)) > 0) {
		int dlt = dlt_of_linktype(raw.linktype);
		struct capture_packet packet = { .time_ns = raw.time_ns,
						 .data = raw.data,
						 .captured = raw.captured,
						 .len = raw.len > raw.captured ? raw.len : raw.captured,
						 .dlt = dlt };

		if (dlt != capture->dlt && !capture_set_link(capture, dlt))
			return false;
		packet.link = (enum link_type)capture->link;
		capture->handler(capture->context, &packet);
	}
	if (result < 0 && !capture->stopped)
		snprintf(capture->error, sizeof(capture->error), "%s", capture->pcapng.error);
	return result >= 0 || capture->stopped;
}

bool capture_read(struct capture *capture, capture_handler *handler, void *context)
{
	bool whole;

	capture->handler = handler;
	capture->context = context;
	whole = capture->pcap ? capture_read_pcap(capture) : capture_read_pcapng(capture);
	progress_end(&capture->progress);
	return whole;
}

void capture_stop(struct capture *capture)
{
	capture->stopped = true;
	if (capture->pcap)
		pcap_breakloop(capture->pcap);
}
