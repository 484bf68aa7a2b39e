/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the files of the agent's client share: agent.c (the connection), agent-command.c (commands),
 * agent-streams.c (their streams), agent-request.c and agent-watch.c (what the guest is asked).
 */

#include "proto/proto.h"
#include "run/agent.h"
#include "run/local.h"

#define AGENT_WINDOW	(256 * 1024) /* bytes of each output that we keep for a slow reader */
#define AGENT_OUT_LIMIT (128 * 1024) /* no more input is read while so much waits for the port */

enum agent_state {
	AGENT_GREETING, /* HELLO is on its way; what comes before our WELCOME is thrown away */
	AGENT_READY,	/* frames go both ways */
	AGENT_ENDING,	/* the connection is gone; commands write what came of their output */
	AGENT_OVER,	/* `lost` was called */
};

struct output {
	struct sink sink;
	size_t window;	/* bytes that the guest may still send */
	size_t written; /* since the last CREDIT */
};

struct viv_command {
	struct viv_agent *agent;
	struct viv_command *prev, *next;
	uint32_t id;
	char *program, *cwd, *user; /* for messages; the last two may be NULL */
	struct local in;
	size_t in_credit; /* bytes of stdin that the guest takes */
	struct output out[2];
	int64_t drain_ms;
	struct viv_source *drain; /* the guest is gone: when what was not taken is dropped */
	bool started;
	bool ended; /* nothing more comes from the guest */
	int status;
	char *error;
	viv_command_done_fn done;
	void *arg;
};

/* Something asked of the guest that DONE answers. */
struct request {
	struct request *next;
	uint32_t id;
	viv_agent_done_fn done;
	void *arg;
};

struct viv_watch {
	struct viv_agent *agent;
	struct viv_watch *next;
	uint32_t id;
	struct viv_str answer;
	viv_agent_watch_fn done; /* NULL: nobody waits any more; its end has yet to come from the guest */
	void *arg;
};

struct viv_agent {
	struct viv_loop *loop;
	int fd; /* -1 from AGENT_ENDING on */
	struct viv_source *source;
	struct viv_agent_events events;
	enum agent_state state;
	char *why; /* AGENT_ENDING: what `lost` will say */
	uint8_t nonce[VIV_PROTO_NONCE];
	size_t thrown_away;
	uint32_t last_id;
	size_t n_open;			  /* channels */
	struct viv_command *first, *last; /* whoever sent input last is last */
	struct request *requests;
	struct viv_watch *watches;
	unsigned version; /* of the protocol, from AGENT_READY on */
	struct viv_str out; /* to the port, from out_at on */
	size_t out_at;
	uint8_t *in;
	size_t in_len;
	unsigned depth; /* of functions of ours on the stack: freed when the last one is left */
	bool hung_up;	/* the guest has closed its port */
	bool dead;	/* viv_agent_free was called */
};

/*
 * Every callback of the loop is wrapped in these: after anything that may call back, a->dead is
 * looked at, and then nothing of the agent is touched any more.
 */
void agent_enter(struct viv_agent *a);
void agent_leave(struct viv_agent *a);

/* Puts a frame in line. */
void agent_send(struct viv_agent *a, enum viv_proto_type type, uint8_t flags, uint32_t id,
		const void *payload, size_t len);
/* Writes what it can, and sets what is watched accordingly. */
void agent_flush(struct viv_agent *a);
/* The connection ends. May call back. */
void agent_lost(struct viv_agent *a, const char *fmt, ...) VIV_PRINTF(2, 3);
/* The guest did what it must not: agent_lost with a text that says so. */
void agent_violation(struct viv_agent *a, const struct viv_frame *f);
/* Calls `lost` when all commands are done. May call back. */
void agent_check_over(struct viv_agent *a);
/* A channel's number, if there may be one more. */
int agent_new_id(struct viv_agent *a, uint32_t *ret, struct viv_error *err);

/* DONE has come. May call back. */
void agent_take_answer(struct viv_agent *a, const struct viv_frame *f);
/* None will be answered. The first calls back. */
void agent_fail_requests(struct viv_agent *a);
void agent_free_requests(struct viv_agent *a);

/* A frame for a watch's channel. May call back. False: it is none's. */
bool agent_watch_frame(struct viv_agent *a, const struct viv_frame *f);
/* As with requests. */
void agent_fail_watches(struct viv_agent *a);
void agent_free_watches(struct viv_agent *a);

struct viv_command *command_find(struct viv_agent *a, uint32_t id);
/* A frame for one command. May call back. */
void command_frame(struct viv_command *c, const struct viv_frame *f);
/* The guest is gone: the command is done when its output is written. May call back. */
void command_lost(struct viv_command *c, const char *why);
/* The guest is gone: from now on output that nobody takes is waited for with a limit, if it has one. */
void command_limit_drain(struct viv_command *c);
/* Calls `done` if nothing more comes and all is written; the command is gone then. */
void command_check_done(struct viv_command *c);
/* Others have their turn first. */
void command_to_back(struct viv_command *c);
void command_free(struct viv_command *c);

/* DATA has come. May call back. */
void command_take_output(struct viv_command *c, const struct viv_frame *f);
/* Watches stdin, if the command and the port take any now. */
void command_update_input(struct viv_command *c);
