/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"
#include "plan/areas/runit.h"

/* services.nginx: its whole configuration, and certificates for hosts that name none. */

#define NGINX	     "services.nginx."
#define CERTIFICATES "/var/lib/viv/nginx"
#define MAKE	     "/usr/lib/viv/nginx-certificates"

static const char option[] = NGINX "enable";

static bool flag(const json_t *host, const char *name)
{
	return json_is_true(json_object_get(host, name));
}

static bool has_ssl(const json_t *host)
{
	json_t *l;
	size_t i;

	json_array_foreach(json_object_get(host, "listen"), i, l)
		if (flag(l, "ssl"))
			return true;
	return flag(host, "addSSL") || flag(host, "onlySSL") || flag(host, "forceSSL");
}

/* Is a certificate to be made for it? */
static bool wants_certificate(const json_t *host)
{
	return has_ssl(host) && !viv_json_str(host, "sslCertificate");
}

static const char *name_of(const char *key, const json_t *host)
{
	const char *name = viv_json_str(host, "serverName");

	return name ? name : key;
}

/* A file's name: "*.example.org" and "~^www" have none of their own. The caller frees it. */
static char *file_of(const char *key)
{
	struct viv_str s = VIV_STR_INIT;

	for (; *key; key++)
		if (strchr("/*~^", *key) || (*key == '.' && !s.len))
			viv_str_addf(&s, "%%%02x", (unsigned)(unsigned char)*key);
		else
			viv_str_add_char(&s, *key);
	return viv_str_steal(&s);
}

static void add_lines(struct viv_str *s, const char *indent, const char *lines)
{
	struct viv_slice rest = viv_slice(lines ? lines : ""), line;

	while (viv_slice_line(&rest, &line))
		if (viv_slice_trim(line).len)
			viv_str_addf(s, "%s%.*s\n", indent, (int)line.len, line.data);
}

static void add_statement(struct viv_str *s, const char *indent, const char *name, const json_t *value)
{
	if (json_is_string(value))
		viv_str_addf(s, "%s%s %s;\n", indent, name, json_string_value(value));
	else if (json_is_integer(value))
		viv_str_addf(s, "%s%s %lld;\n", indent, name, (long long)json_integer_value(value));
}

static void add_listen(struct viv_str *s, const char *address, long long port, bool ssl, bool is_default,
		       const json_t *more)
{
	json_t *v;
	size_t i;

	viv_str_addf(s, "\t\tlisten %s:%lld%s%s", address, port, ssl ? " ssl" : "",
		     is_default ? " default_server" : "");
	json_array_foreach((json_t *)more, i, v)
		viv_str_addf(s, " %s", json_string_value(v));
	viv_str_add(s, ";\n");
}

/* Where one of its servers listens: the one that speaks TLS, or the other. */
static void add_listens(struct viv_str *s, const json_t *host, bool plain, bool ssl)
{
	static const char *const addresses[] = {"0.0.0.0", "[::]"};
	const json_t *listen = json_object_get(host, "listen");
	json_t *l;
	size_t i;

	json_array_foreach((json_t *)listen, i, l) {
		const json_t *port = json_object_get(l, "port");
		bool tls = flag(l, "ssl");

		if (tls ? ssl : plain)
			add_listen(s, viv_json_str(l, "addr"),
				   json_is_integer(port) ? (long long)json_integer_value(port) : tls ? 443 : 80,
				   tls, flag(host, "default"), json_object_get(l, "extraParameters"));
	}
	for (i = 0; !json_array_size(listen) && i < VIV_ARRAY_SIZE(addresses); i++) {
		if (plain)
			add_listen(s, addresses[i], 80, false, flag(host, "default"), NULL);
		if (ssl)
			add_listen(s, addresses[i], 443, true, flag(host, "default"), NULL);
	}
}

static void add_names(struct viv_str *s, const char *key, const json_t *host)
{
	json_t *alias;
	size_t i;

	viv_str_addf(s, "\t\tserver_name %s", name_of(key, host));
	json_array_foreach(json_object_get(host, "serverAliases"), i, alias)
		viv_str_addf(s, " %s", json_string_value(alias));
	viv_str_add(s, ";\n");
}

static void add_certificate(struct viv_str *s, const char *key, const json_t *host)
{
	VIV_FREE char *file = file_of(key);

	if (wants_certificate(host))
		viv_str_addf(s, "\t\tssl_certificate " CERTIFICATES "/%s.crt;\n"
			     "\t\tssl_certificate_key " CERTIFICATES "/%s.key;\n", file, file);
	else
		viv_str_addf(s, "\t\tssl_certificate %s;\n\t\tssl_certificate_key %s;\n",
			     viv_json_str(host, "sslCertificate"), viv_json_str(host, "sslCertificateKey"));
}

static void add_location(struct viv_str *s, const char *path, const json_t *location)
{
	static const char indent[] = "\t\t\t";
	static const char *const statements[][2] = {{"root", "root"},	   {"alias", "alias"},
						    {"index", "index"},	   {"tryFiles", "try_files"},
						    {"return", "return"},  {"proxyPass", "proxy_pass"}};

	viv_str_addf(s, "\t\tlocation %s {\n", path);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(statements); i++)
		add_statement(s, indent, statements[i][1], json_object_get(location, statements[i][0]));
	if (viv_json_str(location, "proxyPass"))
		viv_str_addf(s, "%sproxy_set_header Host $host;\n"
			     "%sproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
			     "%sproxy_set_header X-Forwarded-Proto $scheme;\n", indent, indent, indent);
	if (flag(location, "proxyWebsockets"))
		viv_str_addf(s, "%sproxy_http_version 1.1;\n"
			     "%sproxy_set_header Upgrade $http_upgrade;\n"
			     "%sproxy_set_header Connection $connection_upgrade;\n", indent, indent, indent);
	add_lines(s, indent, viv_json_str(location, "extraConfig"));
	viv_str_add(s, "\t\t}\n");
}

static void add_server(struct viv_str *s, const char *key, const json_t *host, bool plain, bool ssl)
{
	const json_t *locations = json_object_get(host, "locations");
	VIV_STRV paths = VIV_STRV_INIT;

	viv_str_add(s, "\n\tserver {\n");
	add_listens(s, host, plain, ssl);
	add_names(s, key, host);
	if (ssl)
		add_certificate(s, key, host);
	add_statement(s, "\t\t", "root", json_object_get(host, "root"));
	viv_json_keys(locations, &paths);
	for (size_t i = 0; i < paths.count; i++)
		add_location(s, paths.items[i], json_object_get(locations, paths.items[i]));
	add_lines(s, "\t\t", viv_json_str(host, "extraConfig"));
	viv_str_add(s, "\t}\n");
}

/* Where TLS listens, for the address that others are sent to. */
static long long ssl_port(const json_t *host)
{
	json_t *l;
	size_t i;

	json_array_foreach(json_object_get(host, "listen"), i, l)
		if (flag(l, "ssl") && json_is_integer(json_object_get(l, "port")))
			return (long long)json_integer_value(json_object_get(l, "port"));
	return 443;
}

static void add_redirect(struct viv_str *s, const char *key, const json_t *host)
{
	long long port = ssl_port(host);
	VIV_FREE char *suffix = port == 443 ? viv_strdup("") : viv_asprintf(":%lld", port);

	viv_str_add(s, "\n\tserver {\n");
	add_listens(s, host, true, false);
	add_names(s, key, host);
	viv_str_addf(s, "\t\tlocation / {\n\t\t\treturn 301 https://$host%s$request_uri;\n\t\t}\n\t}\n", suffix);
}

static void add_host(struct viv_str *s, const char *key, const json_t *host)
{
	if (flag(host, "forceSSL")) {
		add_redirect(s, key, host);
		add_server(s, key, host, false, true);
	} else {
		add_server(s, key, host, !flag(host, "onlySSL"), has_ssl(host));
	}
}

static void write_config(struct viv_str *s, const struct viv_config *config)
{
	const json_t *hosts = viv_config_get(config, NGINX "virtualHosts");
	VIV_STRV names = VIV_STRV_INIT;

	viv_str_add(s, "# services.nginx\n"
		       "user www-data;\n"
		       "pid /run/nginx.pid;\n"
		       "error_log /var/log/nginx/error.log;\n"
		       "include /etc/nginx/modules-enabled/*.conf;\n"
		       "\n"
		       "events {\n"
		       "}\n"
		       "\n"
		       "http {\n"
		       "\tinclude /etc/nginx/mime.types;\n"
		       "\tdefault_type application/octet-stream;\n"
		       "\tsendfile on;\n"
		       "\tserver_tokens off;\n"
		       "\taccess_log /var/log/nginx/access.log;\n"
		       "\tmap $http_upgrade $connection_upgrade {\n"
		       "\t\tdefault upgrade;\n"
		       "\t\t'' close;\n"
		       "\t}\n");
	viv_json_keys(hosts, &names);
	for (size_t i = 0; i < names.count; i++)
		add_host(s, names.items[i], json_object_get(hosts, names.items[i]));
	add_lines(s, "\t", viv_config_string(config, NGINX "appendHttpConfig"));
	viv_str_add(s, "}\n");
	add_lines(s, "", viv_config_string(config, NGINX "appendConfig"));
}

static void add_make(struct viv_str *s, const char *key, const json_t *host)
{
	const char *name = name_of(key, host);
	VIV_FREE char *file = file_of(key);
	VIV_STR alternatives = VIV_STR_INIT;
	json_t *alias;
	size_t i;

	/* A pattern is no name, and a subject's has at most 64 bytes. */
	if (strpbrk(name, "~^$_") || !*name || strlen(name) > 64)
		name = "localhost";
	viv_str_addf(&alternatives, "DNS:%s", name);
	json_array_foreach(json_object_get(host, "serverAliases"), i, alias)
		if (!strpbrk(json_string_value(alias), "~^$_"))
			viv_str_addf(&alternatives, ",DNS:%s", json_string_value(alias));
	viv_str_add(s, "make ");
	viv_str_add_quoted(s, file);
	viv_str_add_char(s, ' ');
	viv_str_add_quoted(s, alternatives.data);
	viv_str_add_char(s, ' ');
	viv_str_add_quoted(s, name);
	viv_str_add_char(s, '\n');
}

/*
 * A script of its own, which any init system can start before nginx. The certificate comes last: with it the
 * key is there.
 */
static bool write_script(struct viv_str *s, const struct viv_config *config)
{
	const json_t *hosts = viv_config_get(config, NGINX "virtualHosts");
	VIV_STRV names = VIV_STRV_INIT;
	bool any = false;

	viv_str_add(s, "#!/bin/sh -e\n"
		       "# certificates that nobody else signs, for hosts of services.nginx that name none\n"
		       "make() { # FILE NAME\n"
		       "\t[ ! -s \"$1.crt\" ] || return 0\n"
		       "\topenssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 "
		       "-subj \"/CN=$3\" -addext \"subjectAltName=$2\" -keyout \"$1.key\" -out \"$1.new\" 2>/dev/null\n"
		       "\tmv \"$1.new\" \"$1.crt\"\n"
		       "}\n"
		       "umask 077\n"
		       "mkdir -p " CERTIFICATES "\n"
		       "cd " CERTIFICATES "\n");
	viv_json_keys(hosts, &names);
	for (size_t i = 0; i < names.count; i++) {
		const json_t *host = json_object_get(hosts, names.items[i]);

		if (!wants_certificate(host))
			continue;
		any = true;
		add_make(s, names.items[i], host);
	}
	return any;
}

static void add_certificates(struct viv_etc *etc, const struct viv_config *config)
{
	VIV_STR script = VIV_STR_INIT;

	if (!write_script(&script, config))
		return;
	viv_etc_add_script(etc, option, &MAKE[1], script.data);
	if (!viv_uses_systemd(config))
		return;
	viv_etc_add_text(etc, option, VIV_ETC_UNITS "viv-nginx-certificates.service",
			 "[Unit]\n"
			 "Description=Make certificates for nginx\n"
			 "DefaultDependencies=no\n"
			 "After=local-fs.target systemd-random-seed.service\n"
			 "[Service]\n"
			 "Type=oneshot\n"
			 "RemainAfterExit=yes\n"
			 "ExecStart=" MAKE "\n");
	viv_etc_add_text(etc, option, VIV_ETC_UNITS "nginx.service.d/viv-certificates.conf",
			 "[Unit]\n"
			 "Wants=viv-nginx-certificates.service\n"
			 "After=viv-nginx-certificates.service\n");
}

/* For certificates that are made in the machine, or for the check of what it gets later. */
static bool needs_openssl(const struct viv_config *config)
{
	const char *key;
	json_t *host;

	json_object_foreach((json_t *)viv_config_get(config, NGINX "virtualHosts"), key, host)
		if (has_ssl(host))
			return true;
	return false;
}

/* Does it name one? Then its files may be there later only. */
static void add_placeholder(struct viv_str *s, const json_t *host)
{
	VIV_STR certificate = VIV_STR_INIT, key = VIV_STR_INIT;

	if (!has_ssl(host) || wants_certificate(host))
		return;
	viv_str_add_quoted(&certificate, viv_json_str(host, "sslCertificate"));
	viv_str_add_quoted(&key, viv_json_str(host, "sslCertificateKey"));
	viv_str_addf(s, "placeholder %s %s\n", certificate.data, key.data);
}

static const struct viv_runit_service runit_service = {
	.name = "nginx",
	.run = "[ ! -x " MAKE " ] || " MAKE "\n"
	       "mkdir -p /var/log/nginx /var/lib/nginx\n"
	       "exec /usr/sbin/nginx -g 'daemon off;'\n"};

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err VIV_UNUSED)
{
	struct viv_str s = VIV_STR_INIT;

	if (!viv_config_bool(config, option))
		return 0;
	write_config(&s, config);
	viv_etc_add(etc, option, "etc/nginx/nginx.conf", VIV_ETC_FILE, 0644, &s);
	add_certificates(etc, config);
	if (viv_uses_runit(config))
		viv_runit_add_service(etc, option, &runit_service);
	return 0;
}

static void packages(const struct viv_config *config, struct viv_strv *base VIV_UNUSED, struct viv_strv *ret)
{
	if (!viv_config_bool(config, option))
		return;
	viv_strv_push(ret, "nginx");
	if (needs_openssl(config))
		viv_strv_push(ret, "openssl");
}

/*
 * Certificates that are not there yet are made for the check, those with keys that the machine gets later among
 * them. A name that only a network knows is no error
 * of the file's, nor is a port that can't be opened in a sandbox.
 */
static void commands(const struct viv_config *config, struct viv_commands *ret)
{
	VIV_STR script = VIV_STR_INIT;
	const json_t *hosts = viv_config_get(config, NGINX "virtualHosts");
	VIV_STRV names = VIV_STRV_INIT;

	if (!viv_config_bool(config, option))
		return;
	viv_str_add(&script, "[ ! -e " MAKE " ] || sh -e " MAKE "\n"
			     "placeholder() { # CERTIFICATE KEY\n"
			     "\t[ ! -s \"$1\" ] || [ ! -s \"$2\" ] || return 0\n"
			     "\tmkdir -p \"${1%/*}\" \"${2%/*}\"\n"
			     "\topenssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
			     "-subj /CN=placeholder -keyout \"$2\" -out \"$1\" 2>/dev/null\n"
			     "}\n");
	viv_json_keys(hosts, &names);
	for (size_t i = 0; i < names.count; i++)
		add_placeholder(&script, json_object_get(hosts, names.items[i]));
	viv_str_add(&script, "if ! said=$(nginx -t 2>&1); then\n"
			     "\tcase $said in *'syntax is ok'* | *'host not found in upstream'*) exit 0;; esac\n"
			     "\techo \"$said\" | grep -v 'test failed' |\n"
			     "\t\tsed 's/^[0-9/]* [0-9:]* \\[\\([a-z]*\\)\\] [0-9#]*: /nginx: [\\1] /'\n"
			     "\texit 1\n"
			     "fi\n");
	viv_commands_add(ret, NGINX "virtualHosts", "etc/nginx/ usr/lib/viv/nginx-certificates", script.data);
}

const struct viv_area viv_area_nginx = {.files = files, .packages = packages, .commands = commands};
