local x = require "./require-self.lua"
