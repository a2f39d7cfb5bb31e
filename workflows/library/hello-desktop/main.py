from karakuri import desktop as d
from karakuri import run

greeting = run.input("greeting")
editor = d.launch("mousepad")
d.wait_for('text:"Document"')  # the menu bar is drawn: the editor is ready
d.type_text(greeting + "\n")  # the caret goes to the next line, out of the way
seen = d.expect(d.text(greeting))
d.press("ctrl+s")
d.wait_for('text:"Name:"')
d.type_text("/files/greeting.txt")  # over the name that the dialog has selected
d.click(d.text("Save").right_of('text:"Cancel"'))
d.wait_gone('text:"Name:"')
run.attach("/files/greeting.txt")
run.output("greeting", seen.text)
d.close(editor)
