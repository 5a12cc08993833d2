"""Where AWS and the detection service answer: this machine's sandbox, a live service, or a class."""
