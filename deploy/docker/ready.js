// The health check of the image: exits with 0 when the service that listens on PORT in this container is ready.
try {
  const ready = `http://127.0.0.1:${process.env.PORT}/health/ready`;
  const answer = await fetch(ready, { signal: AbortSignal.timeout(2500) });
  process.exitCode = answer.ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}
