"""The host of a student of a class, on the student's own machine: a range and nothing else.

What filters it is told by the class's sandbox as it changes, and what its programs connect to is told there as events.
`python -m labkit.classroom.host --home FOLDER` serves it with the control calls that the sandbox has for its own host.
"""
