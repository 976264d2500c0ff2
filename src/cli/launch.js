#!/usr/bin/env node
// Plain JavaScript on purpose, with all of `start`: an old Node must be able to read it, and hand over to the Node 24 that npm
// installed. The published package has this file beside JavaScript, which needs no more than Node 22.13.
import { endOnSignals } from './start/ending.js';

// Before anything else is even read. Any other process is ended by the kernel until it listens by itself.
if (process.pid === 1) endOnSignals();
await import('./start/start.js');
