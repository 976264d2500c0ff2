/** How far two right answers may lie apart. Each stands here once, with its reason. */

/**
 * Log-probability of a caption found alone and in a batch, in nats. The committed graphs give equal ones; a kernel that
 * quantises activations for all rows of a run at once would move them in the fourth digit.
 */
export const BATCH_LOG_PROBABILITY = 1e-3;

/** Mean of the region embeddings against the image embedding, as a share of its largest value: float32 sums. */
export const REGION_MEAN = 1e-3;

/**
 * Sampled pixels as serving (libvips Lanczos) and training (Pillow Lanczos) make them, mean absolute difference in
 * grey levels over all samples: 0.17 measured, never more than 1 in one pixel. The nearest other kernels, lanczos2 and
 * cubic, lie at 0.7 (8 in one pixel), no antialiasing at 3.6 (64).
 */
export const PARITY_PIXELS = 0.4;
/** The largest difference in one sampled pixel, in grey levels. */
export const PARITY_WORST_PIXEL = 3;

/** Pixels of one picture stored lossless in two ways, mean absolute difference in grey levels: rounding. */
export const SAME_PICTURE = 0.5;
/** The same after JPEG at quality 100, whose blocks fall differently in each orientation. */
export const SAME_PICTURE_JPEG = 1.5;
