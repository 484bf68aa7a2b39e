/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A connection to systemd over the socket that systemctl uses, too: D-Bus without a bus, so there is neither a name to ask
 * for nor a signal to subscribe to. All signals come, and systemd makes them all, for every connection.
 */

#include "dbus.h"

#include <sys/types.h>

struct dbus_connection {
	int fd;		 /* -1: not connected */
	uint32_t serial; /* of the last call */
	size_t skip;	 /* bytes to come of a message too long to be one for us */
	size_t len;
	uint8_t in[64 * 1024];
	/* Of each signal; m NULL: one that is too long to be looked at. */
	void (*on_signal)(const struct dbus_message *m, void *arg);
	void *arg;
};

/* As who we are. May block. False: nobody is there, or nobody who wants us; dbus_disconnect then, too. */
bool dbus_connect(struct dbus_connection *c, const char *path);
void dbus_disconnect(struct dbus_connection *c); /* it can be connected again */
/* The signals that have come. 0; -1: the connection has ended. */
int dbus_take_signals(struct dbus_connection *c);
/*
 * Waits for the answer, a return or an error: its length, or -1: the connection has ended. *ret points into it until
 * dbus_drop.
 */
ssize_t dbus_ask(struct dbus_connection *c, const struct dbus_call *call, struct dbus_message *ret);
void dbus_drop(struct dbus_connection *c, size_t n);
