# docker build -t latent-studio . && docker run -p 7860:7860 latent-studio
FROM python:3.11-slim

RUN useradd --create-home studio
WORKDIR /home/studio/app
COPY --chown=studio make.py requirements.txt requirements-dev.txt ./
RUN chown studio . && su studio -c "python3 make.py setup && rm -rf ~/.cache/pip"
COPY --chown=studio . .

USER studio
EXPOSE 7860
CMD [".venv/bin/python", "app.py", "--host", "0.0.0.0", "--port", "7860"]
