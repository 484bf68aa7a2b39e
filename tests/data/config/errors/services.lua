services.cron.systemCronJobs = { "*/5 * * * * root date", "@hourly root date", "5 * * * root", "* * * * * date",
	"*/5 * * * * root date\nx" }
environment.shellAliases = { ["a b"] = "x", ["-x"] = "y" }
services.journald.storage = "disk"
