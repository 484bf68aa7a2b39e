# SPDX-License-Identifier: MIT
"""mirror.py ROOT LOG STALL: a mirror on loopback, and a proxy for mirrors elsewhere.

Serves the files below ROOT; also below /snapshot/TIME/, and of whatever host it is asked for as a
proxy. Each request is a line of LOG: what was asked for, and from where on. While the file STALL is
there, it sends only the first MB of what has STALL's text in its name, then waits until whoever asked
goes away. While there is a file LOG.login, nothing is given to who doesn't send its "NAME:PASSWORD".
It listens on MIRROR_ADDRESS, by default 127.0.0.1, and prints its port.
"""
import base64, http.server, os, re, socket, sys

root, log, stall = sys.argv[1:4]


class Mirror(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        path = re.sub("^http://[^/]*", "", self.path)
        path = root + re.sub("^/snapshot/[^/]*", "", path)
        asked = self.headers.get("Range", "")
        start = int(asked[6:].split("-")[0]) if asked.startswith("bytes=") else 0
        with open(log, "a") as f:
            print(self.path, start, file=f)
        if os.path.exists(log + ".login"):
            login = base64.b64encode(open(log + ".login", "rb").read().strip()).decode()
            if self.headers.get("Authorization") != "Basic " + login:
                return self.send_error(401)
        if not os.path.isfile(path):
            return self.send_error(404)
        data = open(path, "rb").read()
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if os.path.exists(stall) and open(stall).read().strip() in path:
            self.wfile.write(data[start:1000000])
            self.wfile.flush()
            self.connection.recv(1)
            self.close_connection = True
        else:
            self.wfile.write(data[start:])


address = os.environ.get("MIRROR_ADDRESS", "127.0.0.1")


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
    daemon_threads = True


server = Server((address, 0), Mirror)
print(server.server_port, flush=True)
server.serve_forever()
