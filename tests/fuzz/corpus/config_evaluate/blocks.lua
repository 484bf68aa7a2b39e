local function more() mkIf(true, more) mkIf(true, more) end
mkIf(true, more)
