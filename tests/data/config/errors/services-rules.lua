services.getty.autologinUser = "paul"
