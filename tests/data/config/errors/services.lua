services.cron.systemCronJobs = { "*/5 * * * * root date", "@hourly root date", "5 * * * root", "* * * * * date",
	"*/5 * * * * root date\nx" }
environment.shellAliases = { ["a b"] = "x", ["-x"] = "y" }
services.journald.storage = "disk"
services.cron.systemCronJobs = { "99 * * * * root date", "* * 0 * * root date", "* * * foo * root date",
	"* * * * 5-1 root date", "*/0 * * * * root date", "1, * * * * root date", "@often root date" }
