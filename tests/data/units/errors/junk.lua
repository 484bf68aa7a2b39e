environment.etc["systemd/system/x.service"] = {
	text = "# fine\n\n[Service]\nExecStart=/bin/true \\\n; fine\n  --more\njunk\n",
}
