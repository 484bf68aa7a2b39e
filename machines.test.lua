
test("killed''','''
test("killed''')
open(p,'w').write(s)
