networking.hostName = "a" .. tostring({}):gsub("[^x]", "")
print(tostring({}), tostring(print), string.format("%s", {}))
error({})
