import fc from 'fast-check';

/**
 * The seed of generated cases: the same in every run, so that a change fails by its own fault. Other cases are looked
 * at on purpose: `WEIR_TEST_SEED=$RANDOM npm test`; a case that fails there becomes a test by itself.
 */
fc.configureGlobal({ seed: Number(process.env['WEIR_TEST_SEED'] ?? 20_261_123) });
