options.my.src = mkOption{ type = types.source }
options.my.path = mkOption{ type = types.path }
my.src = fetchTarball{ url = "https://deb.example.org/x.tar.gz", sha256 = "abc" }
