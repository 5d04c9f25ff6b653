"""What requests pass on their way to Gradio."""
