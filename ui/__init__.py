"""The Gradio app: handlers only translate between widgets and ``editing``."""
