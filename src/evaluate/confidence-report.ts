/** The confidence of a bundle as a person reads it. */
import { type ConfidenceReport, FOLDS } from './confidence-fit.ts';

export function confidenceTable({ model, reliability }: ConfidenceReport): string[] {
  const kinds = Object.entries(model.kinds ?? {});
  const others = model.notPhotographs;
  return [
    '',
    `Confidence that CIDEr-D is ${model.acceptableCiderD} or more, by ${FOLDS}-fold cross-validation`,
    ...kinds.flatMap(([name, quality]) => [
      `  ${name}, ${quality.images} images`,
      `    acceptable captions        ${percent(quality.acceptable)}`,
      `    expected calibration error ${percent(quality.expectedCalibrationError)}, by chance alone ${percent(quality.expectedByChance).trim()}`,
      `    area under the ROC curve   ${quality.areaUnderRoc.toFixed(3).padStart(7)}`,
      '    captions     said  acceptable',
      ...reliability[name]!.map(
        ({ count, said, happened }) =>
          `    ${String(count).padStart(8)}  ${percent(said)}  ${percent(happened)}`,
      ),
    ]),
    ...(others === undefined
      ? []
      : [
          `  no photographs, ${others.images} images`,
          `    need review                ${percent(others.needReview)}`,
        ]),
  ];
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`.padStart(7);
}
