/**
 * Writes the functions and the packages with machine code into a directory, as the image for Lambda has them.
 * The model is added by the Dockerfile: unlike a zip, an image may have one of any size.
 * usage: node assemble-functions.ts DIRECTORY
 */
import { assembleCode } from '../functions/function-code.ts';
import { CPU } from '../functions/stage-native.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: node assemble-functions.ts DIRECTORY');
await assembleCode(process.arch === CPU.arm64 ? 'arm64' : 'x86_64', directory);
