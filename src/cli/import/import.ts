import type { Command } from 'commander';
import type { ImportFlags } from './import-bundle.ts';

const EXAMPLES = `
SOURCE is what somebody exported of a captioner of Hugging Face, as a folder (config.json, tokenizer.json, encoder_model.onnx,
decoder_model*.onnx, there or in onnx/) or as a model of the hub (owner/name), which is fetched. Or weights of im2txt: a
frozen graph (.pb), a V2 checkpoint (its prefix or .index), a V1 checkpoint, a directory or a .tar, .tar.gz or .zip with one
of these, or an https address of any of them with the hash that it must have. What exists as a path is one.

Examples:
  $ show-and-tell import Xenova/vit-gpt2-image-captioning --out models/vit-gpt2
  $ show-and-tell import Xenova/vit-gpt2-image-captioning --precision int8 --out models/vit-gpt2-int8
  $ show-and-tell import exported/ --out models/mine
  $ show-and-tell import onnx-community/Florence-2-base-ft --revision main --task detailed --out models/florence
  $ show-and-tell import --list
  $ show-and-tell import model.ckpt-2000000 --vocabulary word_counts.txt --out models/im2txt
  $ show-and-tell import im2txt.pb --vocabulary word_counts.txt --repair-vocabulary --out models/im2txt
  $ show-and-tell import weights.tar.gz --precision int8 --calibrate photos/ --out models/im2txt-int8

Environment: HF_TOKEN for models that not everybody may read, HF_ENDPOINT for another hub, HTTPS_PROXY.

Exit status: 0 done, 2 wrong usage or --out is taken, 4 the source or the model is unusable, 70 a bug, 74 the output cannot be
written, 130 interrupted.`;

export function addImportCommand(program: Command): void {
  program
    .command('import')
    .description('turn a captioner of Hugging Face (ONNX) or im2txt weights (TensorFlow) into a bundle')
    .argument('[source]', 'a folder, a model of the hub, or weights')
    .option('--from <source>', 'the same, as a flag')
    .option('--out <dir>', 'bundle to make; must not exist')
    .option('--list', 'print the kinds of captioners that can be imported')
    .option('--revision <name>', 'commit, branch or tag on the hub (default: main)')
    .option(
      '--precision <fp32|fp16|int8>',
      'of the graphs; of an export, which of its files (default: fp32, else what is there)',
    )
    .option(
      '--calibrate <images...>',
      'photographs for --precision int8 of fp32 graphs: files, directories or patterns',
    )
    .option('--task <caption|detailed|more-detailed>', 'what Florence-2 is asked for (default: caption)')
    .option('--name <name>', 'of the model (default: that of the directory)')
    .option(
      '--license <text>',
      'of the weights, for the manifest (default: what the model card says, or unknown)',
    )
    .option(
      '--vocabulary <file>',
      'word_counts.txt of im2txt weights (default: the one beside or inside the source)',
    )
    .option('--repair-vocabulary', 'mend a damaged word list of im2txt and say what was mended')
    .option('--sha256 <hash>', 'of what an https address serves')
    .option('--sha512 <hash>', 'the same')
    .addHelpText('after', EXAMPLES)
    .action(async (source: string | undefined, flags: ImportFlags) => {
      if (flags.list) {
        const { kindsText } = await import('./kinds.ts');
        process.stdout.write(kindsText());
        return;
      }
      const { importBundle } = await import('./import-bundle.ts');
      await importBundle(source, flags);
    });
}
