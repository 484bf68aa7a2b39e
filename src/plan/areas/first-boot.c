/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"
#include "plan/areas/runit.h"

/*
 * Each makes one thing that deb/scrub.c removes, where its program is installed and the thing is not
 * there, before the units that need it. A template (viv-x@) is for each of that unit's instances. What
 * is killed halfway is made again at the next boot: large things get their name when they are done.
 */
static const struct {
	const char *unit, *needed_by /* names with blanks between */, *program, *missing;
	const char *user; /* NULL: root */
	const char *command; /* as systemd.service(5) has it: $ and % are written twice */
} units[] = {
	/* The server, or one for each connection (Debian 12's, 13's, systemd-ssh-generator(8)'s). */
	{"viv-ssh-keys",
	 "ssh.service ssh.socket ssh@.service sshd@.service sshd-unix-local@.service sshd-vsock@.service",
	 "/usr/sbin/sshd", "/etc/ssh/ssh_host_ed25519_key", NULL,
	 "/usr/bin/ssh-keygen -q -t ed25519 -N \"\" -f /etc/ssh/ssh_host_ed25519_key"},
	{"viv-snakeoil", "sysinit.target", "/usr/sbin/make-ssl-cert",
	 "/etc/ssl/private/ssl-cert-snakeoil.key", NULL,
	 "/usr/sbin/make-ssl-cert generate-default-snakeoil"},
	{"viv-rndc-key", "named.service", "/usr/sbin/rndc-confgen", "/etc/bind/rndc.key", NULL,
	 "/usr/sbin/rndc-confgen -a"},
	{"viv-java-certs", "sysinit.target", "/etc/ca-certificates/update.d/jks-keystore",
	 "/etc/ssl/certs/java/cacerts", NULL, "/usr/sbin/update-ca-certificates -f"},
	/* As pg_createcluster(1) calls it, and locale and encoding of when it made the configuration. */
	{"viv-postgresql@", "postgresql@.service", "/usr/bin/pg_createcluster",
	 "/var/lib/postgresql/%I/PG_VERSION", "postgres",
	 "/bin/sh -ec '[ $$1 = $${1%%/*}/main ] || exit 0; cd /var/lib/postgresql/$${1%%/*}; "
	 "rm -rf .viv; /usr/lib/postgresql/$${1%%/*}/bin/initdb -D .viv --auth-local=peer "
	 "--auth-host=scram-sha-256 --locale=C.UTF-8 --encoding=UTF8; "
	 "rm .viv/postgresql.conf .viv/pg_hba.conf .viv/pg_ident.conf; mv -T .viv main' sh %I"},
	/* As the package's script calls it. The folder mysql comes last: the rest is there with it. */
	{"viv-mariadb", "mariadb.service", "/usr/bin/mariadb-install-db", "/var/lib/mysql/mysql", NULL,
	 "/bin/sh -ec 'new=/var/lib/mysql/.viv; rm -rf $$new; mkdir $$new; chown mysql: $$new; "
	 "/usr/bin/mariadb-install-db --rpm --cross-bootstrap --user=mysql --disable-log-bin "
	 "--skip-test-db --datadir=$$new; cd $$new; "
	 "for f in *; do [ $$f = mysql ] || { rm -rf ../$$f; mv $$f ..; }; done; "
	 "mv mysql ..; cd ..; rmdir $$new'"},
};

static char *unit_text(size_t i)
{
	VIV_FREE char *user = units[i].user ? viv_asprintf("User=%s\n", units[i].user) : viv_strdup("");

	return viv_asprintf("[Unit]\n"
			    "Description=Make %s\n"
			    "DefaultDependencies=no\n"
			    "ConditionFileIsExecutable=%s\n"
			    "ConditionPathExists=!%s\n"
			    "After=local-fs.target\n"
			    "[Service]\n"
			    "Type=oneshot\n"
			    "%s"
			    "ExecStart=%s\n",
			    units[i].missing, units[i].program, units[i].missing, user,
			    units[i].command);
}

static void add_drop_ins(struct viv_etc *etc, const char *unit, const char *needed_by)
{
	const char *instance = viv_ends_with(unit, "@") ? "%i" : "";
	VIV_FREE char *text = viv_asprintf("[Unit]\n"
					   "Wants=%s%s.service\n"
					   "After=%s%s.service\n",
					   unit, instance, unit, instance);
	struct viv_slice rest = viv_slice(needed_by), word;

	while (viv_slice_word(&rest, &word)) {
		VIV_FREE char *path = viv_asprintf(VIV_ETC_UNITS "%.*s.d/%s.conf", (int)word.len,
						   word.data, unit);

		viv_etc_add_text(etc, NULL, path, text);
	}
}

void viv_etc_add_first_boot(struct viv_etc *etc)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(units); i++) {
		VIV_FREE char *path = viv_asprintf(VIV_ETC_UNITS "%s.service", units[i].unit);
		VIV_FREE char *text = unit_text(i);

		viv_etc_add_text(etc, NULL, path, text);
		add_drop_ins(etc, units[i].unit, units[i].needed_by);
	}
}

/* systemd.service(5)'s way of writing $ and % taken back. */
static char *shell_command(const char *command)
{
	struct viv_str s = VIV_STR_INIT;

	for (; *command; command++) {
		if ((command[0] == '$' || command[0] == '%') && command[1] == command[0])
			command++;
		viv_str_add_char(&s, *command);
	}
	return s.data;
}

/* Those of templates are for units' instances, which runit has none of. */
void viv_runit_add_first_boot(struct viv_etc *etc)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(units); i++) {
		VIV_FREE char *name = viv_asprintf("20-%s", units[i].unit);
		VIV_FREE char *command = shell_command(units[i].command);
		VIV_FREE char *text = viv_asprintf("[ ! -x %s ] || [ -e %s ] ||\n\t%s\n", units[i].program,
						   units[i].missing, command);

		if (!viv_ends_with(units[i].unit, "@"))
			viv_runit_add_boot(etc, NULL, name, text);
	}
}
