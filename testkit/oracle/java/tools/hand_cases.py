"""Writes the hand-made cases; run `java -jar target/streams-oracle.jar run ../cases/hand` afterwards."""
import hand_basic
import hand_joins
import hand_windows
import hand_wiring
import handlib

hand_basic.run()
hand_windows.run()
hand_joins.run()
hand_wiring.run()
print("wrote", len(handlib.written), "cases")
