/**
 * Writes the functions and the packages with machine code into a directory, as the image for Lambda has them.
 * The model is added by the Dockerfile: unlike a zip, an image may have one of any size.
 * usage: node assemble-functions.ts DIRECTORY
 */
import { cpSync } from 'node:fs';
import { packFunction } from '../pack-functions.ts';
import type { FunctionName } from '../settings.ts';
import { CPU, stageNative } from '../stage-native.ts';

const FUNCTIONS = ['http', 'queue', 'workflow', 'summary'] as const satisfies readonly FunctionName[];

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: node assemble-functions.ts DIRECTORY');
const architecture = process.arch === CPU.arm64 ? 'arm64' : 'x86_64';
cpSync(stageNative(architecture), directory, { recursive: true });
for (const name of FUNCTIONS) await packFunction(name, directory);
