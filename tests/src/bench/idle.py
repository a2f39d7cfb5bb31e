"""Does nothing for a while."""

import time

from karakuri import run

run.log("mark idle")
time.sleep(3)
run.log("mark over")
