# Answers what is typed, a line at a time.
print("Say something")
while True:
    line = input("> ")
    if line == "bye":
        break
    print("You said", line.upper())
print("Bye")
