/** For `node --import`: every worker of the program is the saboteur's. */
import { isMainThread } from 'node:worker_threads';

if (!isMainThread) await import('../model/saboteur.ts');
