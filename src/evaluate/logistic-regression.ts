/** Logistic regression with a ridge penalty, fitted by Newton's method (Hastie et al., section 4.4.1). */

export interface LogisticModel {
  bias: number;
  /** For the features as they are, not normalised. */
  weights: number[];
}

/** Against weights that a few points would make huge; in units of normalised features. */
const RIDGE = 1;
/** Newton's method doubles the right digits each round: this is far more than needed. */
const ROUNDS = 25;

/**
 * @param features one row a sample, all of one length
 * @param labels true where the event came about
 * @param shares how much each sample counts @default 1 each
 */
export function fitLogistic(
  features: readonly (readonly number[])[],
  labels: readonly boolean[],
  shares: readonly number[] = labels.map(() => 1),
): LogisticModel {
  const width = features[0]?.length ?? 0;
  const { means, scales } = moments(features, shares, width);
  const rows = features.map((row) => [1, ...row.map((value, i) => (value - means[i]!) / scales[i]!)]);
  let weights = new Array<number>(width + 1).fill(0);
  for (let round = 0; round < ROUNDS; round++) {
    const gradient = weights.map((weight, i) => (i === 0 ? 0 : -RIDGE * weight));
    const hessian = weights.map((_, i) => weights.map((_, j) => (i === j && i > 0 ? RIDGE : 0)));
    rows.forEach((row, sample) => {
      const p = sigmoid(dot(row, weights));
      const error = shares[sample]! * ((labels[sample] ? 1 : 0) - p);
      const curvature = shares[sample]! * p * (1 - p);
      for (let i = 0; i <= width; i++) {
        gradient[i]! += error * row[i]!;
        for (let j = 0; j <= width; j++) hessian[i]![j]! += curvature * row[i]! * row[j]!;
      }
    });
    const step = solve(hessian, gradient);
    weights = weights.map((weight, i) => weight + step[i]!);
  }
  const [bias, ...normalised] = weights;
  const plain = normalised.map((weight, i) => weight / scales[i]!);
  return { bias: bias! - dot(plain, means), weights: plain };
}

export function predict({ bias, weights }: LogisticModel, features: readonly number[]): number {
  return sigmoid(bias + dot(weights, features));
}

function moments(features: readonly (readonly number[])[], shares: readonly number[], width: number) {
  const total = shares.reduce((sum, share) => sum + share, 0);
  const means = new Array<number>(width).fill(0);
  const squares = new Array<number>(width).fill(0);
  features.forEach((row, sample) => {
    for (let i = 0; i < width; i++) means[i]! += (row[i]! * shares[sample]!) / total;
  });
  features.forEach((row, sample) => {
    for (let i = 0; i < width; i++) squares[i]! += ((row[i]! - means[i]!) ** 2 * shares[sample]!) / total;
  });
  // A feature that never changes has no scale; it then stays 0.
  return { means, scales: squares.map((square) => Math.sqrt(square) || 1) };
}

/** Gaussian elimination; the ridge keeps the matrix positive definite. */
function solve(matrix: number[][], right: number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  for (let pivot = 0; pivot < rows.length; pivot++) {
    const scale = rows[pivot]![pivot]! || Number.MIN_VALUE;
    rows[pivot] = rows[pivot]!.map((value) => value / scale);
    for (let i = 0; i < rows.length; i++) {
      if (i === pivot) continue;
      const factor = rows[i]![pivot]!;
      rows[i] = rows[i]!.map((value, j) => value - factor * rows[pivot]![j]!);
    }
  }
  return rows.map((row) => row.at(-1)!);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
