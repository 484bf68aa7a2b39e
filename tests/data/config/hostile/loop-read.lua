while networking.hostName do end
