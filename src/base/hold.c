/* SPDX-License-Identifier: MIT */
#include "base/hold.h"

#include "base/fd.h"

#include <sys/signalfd.h>

bool viv_signal_is_ignored(int signo)
{
	struct sigaction now;

	return sigaction(signo, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

/* Without those that are ignored (nohup): blocked, they would count all the same. */
static sigset_t held_signals(void)
{
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(signals); i++)
		if (!viv_signal_is_ignored(signals[i]))
			sigaddset(&held, signals[i]);
	return held;
}

void viv_hold_begin(struct viv_hold *h)
{
	sigset_t held = held_signals();

	pthread_sigmask(SIG_BLOCK, &held, &h->before);
	h->fd = signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
}

void viv_hold_end(struct viv_hold *h, bool interrupted)
{
	h->fd = viv_close(h->fd);
	if (!interrupted)
		pthread_sigmask(SIG_SETMASK, &h->before, NULL);
}

int viv_hold_pending(void)
{
	sigset_t pending;

	if (sigpending(&pending) < 0)
		return 0;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(signals); i++)
		if (sigismember(&pending, signals[i]) == 1 && !viv_signal_is_ignored(signals[i]))
			return signals[i];
	return 0;
}

void viv_hold_let_through(void)
{
	sigset_t held = held_signals();

	pthread_sigmask(SIG_UNBLOCK, &held, NULL);
}
