/** The floor of a cold start: a process that only loads the two native libraries. */
import 'sharp';
import 'onnxruntime-node';

process.stdout.write('loaded\n');
