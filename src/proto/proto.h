/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The wire format between host and guest agent (docs/agent-protocol.md). Shared with the guest's
 * programs: nothing here allocates, does I/O or includes anything of ours. All numbers are little
 * endian. What is decoded points into the bytes that were handed in.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The virtio-serial port's name, in QEMU and in the guest's sysfs. */
#define VIV_PROTO_PORT "viv.agent"

/* Versions of the protocol that this code speaks. */
#define VIV_PROTO_OLDEST 2
#define VIV_PROTO_NEWEST 3

#define VIV_PROTO_HEADER      8		  /* bytes in front of each payload */
#define VIV_PROTO_MAX_PAYLOAD (32 * 1024) /* bytes */
#define VIV_PROTO_MAX_FRAME   (VIV_PROTO_HEADER + VIV_PROTO_MAX_PAYLOAD)
/* A connection opens with so many zero bytes: more than any frame cut short can swallow. */
#define VIV_PROTO_PADDING VIV_PROTO_MAX_FRAME

#define VIV_PROTO_MAX_SPEC     (1024 * 1024)	  /* bytes of one RUN, all its frames together */
#define VIV_PROTO_MAX_CHANNELS 256		  /* open at once */
#define VIV_PROTO_MAX_WINDOW   (16 * 1024 * 1024) /* bytes underway in one stream */
#define VIV_PROTO_MAX_SEED     512		  /* bytes */
#define VIV_PROTO_MAX_HOSTNAME 64		  /* bytes; what Linux takes */
#define VIV_PROTO_MAX_WATCH    (8 * 1024)	  /* bytes */
#define VIV_PROTO_MAX_WATCHES  64		  /* at once */
#define VIV_PROTO_MAX_ANSWER   (32 * 1024)	  /* bytes of text before the DONE of a WATCH */
#define VIV_PROTO_NONCE	       8		  /* bytes */

enum viv_proto_type {
	VIV_PROTO_PAD = 0, /* one zero byte, not a frame: skipped */

	/* host to agent */
	VIV_PROTO_HELLO = 1,	/* struct viv_proto_hello: a new connection */
	VIV_PROTO_RUN = 2,	/* struct viv_proto_run; VIV_PROTO_MORE: goes on in the next one */
	VIV_PROTO_EOF = 3,	/* stdin has ended */
	VIV_PROTO_SIGNAL = 4,	/* flags: the signal, for the command's process group */
	VIV_PROTO_RESIZE = 5,	/* struct viv_proto_size */
	VIV_PROTO_POWEROFF = 6, /* answered by DONE, as are the four that follow */
	VIV_PROTO_SYNC = 7,
	VIV_PROTO_CLOCK = 8,	 /* u64: nanoseconds since 1970, UTC; a clock that is ahead stays */
	VIV_PROTO_SEED = 9,	 /* bytes for the random pool */
	VIV_PROTO_HOSTNAME = 10, /* bytes, not terminated */
	VIV_PROTO_MOUNT = 15,	 /* struct viv_proto_mount; answered by DONE */
	VIV_PROTO_NETWORK = 16,	 /* text: docs/agent-protocol.md, Networks. Answered by DONE */
	VIV_PROTO_WATCH = 17,	 /* struct viv_proto_watch; version 3. Answered by DATA, if any, and DONE */

	/* both ways; flags: the stream */
	VIV_PROTO_DATA = 32,
	VIV_PROTO_CREDIT = 33, /* u32: so many bytes more may be sent */
	VIV_PROTO_CLOSE = 34,  /* the sender of this wants no more of the stream */

	/* agent to host */
	VIV_PROTO_WELCOME = 64, /* struct viv_proto_hello: answer to HELLO */
	VIV_PROTO_BOOTED = 65,	/* the system inside has reached its goal */
	VIV_PROTO_STARTED = 66, /* struct viv_proto_started */
	VIV_PROTO_FAILED = 67,	/* struct viv_proto_failed: never started; the channel is free */
	VIV_PROTO_EXIT = 68,	/* struct viv_proto_exit: the end; the channel is free */
	VIV_PROTO_DONE = 69,	/* u32: 0 or an errno; the channel is free */
	/* The agent has just begun, or could not make sense of the host's bytes: greet again. */
	VIV_PROTO_LOST = 70,
};

/* What the agent does without being told where QEMU's user network is there. */
#define VIV_PROTO_USER_MAC     "52:54:00:12:34:56"
#define VIV_PROTO_USER_NETWORK                                                                     \
	"link " VIV_PROTO_USER_MAC " eth0\naddress 10.0.2.15/24\ngateway 10.0.2.2\n"               \
	"nameserver 10.0.2.3\n"

enum viv_proto_stream { VIV_PROTO_STDIN = 0, VIV_PROTO_STDOUT = 1, VIV_PROTO_STDERR = 2 };

#define VIV_PROTO_MORE 1 /* flag of RUN */

struct viv_frame {
	uint8_t type, flags;
	uint32_t channel; /* 0: the connection; chosen by the host */
	const uint8_t *payload;
	size_t len;
};

/*
 * Takes one frame off `data`. Returns how many bytes it took (then *ret is set; zero bytes between
 * frames count as one frame of type VIV_PROTO_PAD), 0 if the frame is not complete, or -1 if these
 * bytes are no frame that `from_host` (or else the agent) may send: an unknown type, a payload or
 * flags or channel that the type does not allow.
 */
ptrdiff_t viv_proto_parse(const uint8_t *data, size_t len, bool from_host, struct viv_frame *ret);

/*
 * Looks for a HELLO (or, with from_host false, for a WELCOME that carries `nonce`) anywhere in
 * `data`. Returns where it starts, or how many bytes can be thrown away when there is none; *ret
 * says which. nonce is only read when from_host is false.
 */
size_t viv_proto_hunt(const uint8_t *data, size_t len, bool from_host,
		      const uint8_t nonce[VIV_PROTO_NONCE], bool *ret_found);

/* Writes a header. len is at most VIV_PROTO_MAX_PAYLOAD. */
void viv_proto_header(uint8_t out[VIV_PROTO_HEADER], enum viv_proto_type type, uint8_t flags,
		      uint32_t channel, size_t len);

/* A name for messages to people: "DATA". "?" if unknown. */
const char *viv_proto_name(uint8_t type);

uint16_t viv_get16(const uint8_t *p);
uint32_t viv_get32(const uint8_t *p);
uint64_t viv_get64(const uint8_t *p);
void viv_put16(uint8_t *p, uint16_t v);
void viv_put32(uint8_t *p, uint32_t v);
void viv_put64(uint8_t *p, uint64_t v);

/*
 * Payloads. Each put function writes exactly its size; each get function takes a frame that
 * viv_proto_parse has let through, which vouches for its length.
 */

#define VIV_PROTO_HELLO_SIZE 28
struct viv_proto_hello {
	uint8_t nonce[VIV_PROTO_NONCE]; /* the host's; comes back in WELCOME */
	/* HELLO: what the host speaks. WELCOME: both the version chosen; 0: none in common. */
	uint16_t oldest, newest;
};
void viv_proto_put_hello(uint8_t *out, const struct viv_proto_hello *m);
/* False if the magic is not there. */
bool viv_proto_get_hello(const struct viv_frame *f, struct viv_proto_hello *ret);

enum viv_proto_run_flags {
	VIV_PROTO_RUN_PTY = 1,	  /* one terminal: input is STDIN, output STDOUT */
	VIV_PROTO_RUN_STDIN = 2,  /* a pipe from the host; without it /dev/null */
	VIV_PROTO_RUN_STDOUT = 4, /* as above, towards the host */
	VIV_PROTO_RUN_STDERR = 8,
};

/*
 * After the fixed part come NUL-terminated strings, as many as the numbers say and nothing else:
 * user ("": root), cwd ("": the user's home, or /), argv, environment ("NAME=value"). That every
 * byte must be accounted for means that a RUN cut short and filled up with zeros is never valid,
 * unless only the terminators were missing.
 */
#define VIV_PROTO_RUN_SIZE 16
struct viv_proto_run {
	uint16_t flags;
	uint16_t rows, columns;
	uint16_t argc, envc; /* argc is at least 1 */
	uint32_t window;     /* bytes of STDOUT, and of STDERR, that may be sent before a CREDIT */
	const char *strings; /* 2 + argc + envc of them */
	size_t strings_len;
};
void viv_proto_put_run(uint8_t *out, const struct viv_proto_run *m); /* the fixed part */
/* Takes the payloads of all its frames, joined. False if it is malformed. */
bool viv_proto_get_run(const uint8_t *data, size_t len, struct viv_proto_run *ret);

#define VIV_PROTO_SIZE_SIZE 4
struct viv_proto_size {
	uint16_t rows, columns;
};
void viv_proto_put_size(uint8_t *out, const struct viv_proto_size *m);
void viv_proto_get_size(const struct viv_frame *f, struct viv_proto_size *ret);

#define VIV_PROTO_STARTED_SIZE 8
struct viv_proto_started {
	uint32_t pid;
	uint32_t window; /* bytes of STDIN that may be sent before a CREDIT */
};
void viv_proto_put_started(uint8_t *out, const struct viv_proto_started *m);
void viv_proto_get_started(const struct viv_frame *f, struct viv_proto_started *ret);

/* Where starting a command failed. */
enum viv_proto_stage {
	VIV_PROTO_STAGE_SPEC = 1, /* the RUN itself: malformed or too long */
	VIV_PROTO_STAGE_SETUP,	  /* memory, pipes, terminal, fork */
	VIV_PROTO_STAGE_USER,	  /* no such user, or it can't be switched to */
	VIV_PROTO_STAGE_CWD,
	VIV_PROTO_STAGE_FIND, /* the program is not there */
	VIV_PROTO_STAGE_EXEC, /* it is there and can't be executed */
};

#define VIV_PROTO_FAILED_SIZE 8
struct viv_proto_failed {
	uint32_t stage;
	uint32_t code; /* errno, Linux's generic numbers */
};
void viv_proto_put_failed(uint8_t *out, const struct viv_proto_failed *m);
void viv_proto_get_failed(const struct viv_frame *f, struct viv_proto_failed *ret);

#define VIV_PROTO_EXIT_SIZE 4
struct viv_proto_exit {
	uint8_t code;	/* if signal is 0 */
	uint8_t signal; /* that ended it */
	bool core;	/* a core was dumped */
};
void viv_proto_put_exit(uint8_t *out, const struct viv_proto_exit *m);
void viv_proto_get_exit(const struct viv_frame *f, struct viv_proto_exit *ret);

/*
 * A folder of the host's that is to be mounted: MOUNT's payload is the first five members, each with
 * its terminator and nothing else. tag and folder have no slash, target is absolute. options: words
 * between commas: "ro" (the folder can't be written), "overlay" (what is written over it is kept in
 * the guest's memory).
 */
struct viv_proto_mount {
	const char *kind;   /* "virtiofs", "9p" */
	const char *tag;    /* of the device */
	const char *folder; /* in the device's file system; "": its root */
	const char *target; /* made where it is not there */
	const char *options;
};
/* False if it is malformed. */
bool viv_proto_get_mount(const struct viv_frame *f, struct viv_proto_mount *ret);

/*
 * A condition that is waited for: WATCH's payload is the kind and its words, each with its terminator
 * and nothing else. docs/agent-protocol.md, Watches, says which there are.
 */
#define VIV_PROTO_WATCH_WORDS 4
struct viv_proto_watch {
	const char *kind;
	unsigned n;
	const char *words[VIV_PROTO_WATCH_WORDS]; /* the first n; no word is empty */
};
/* False if it is malformed. */
bool viv_proto_get_watch(const struct viv_frame *f, struct viv_proto_watch *ret);
