// Plain JavaScript: it starts twice as fast as what has types to strip, and it starts every few seconds.
/** The server's default; a container that listens elsewhere says so. */
const port = process.env.PORT ?? '8080';
/** Shorter than the check's own limit, so that the reason is what ends it. */
const LIMIT_MS = 4_000;

try {
  const { ok, status } = await fetch(`http://127.0.0.1:${port}/health`, {
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  console.log(status);
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  console.log(error.cause?.code ?? error.name);
  process.exitCode = 1;
}
