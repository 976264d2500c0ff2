// AWS's client reads the handler's name from the environment alone, and its own guide gives it as the image's command:
// Lambda puts one into the other. This does where something else runs the image.
process.env._HANDLER ??= process.argv[2];
await import('./index.mjs');
