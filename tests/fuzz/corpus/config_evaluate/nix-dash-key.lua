users.users = { my-user = { isNormalUser = true } }
