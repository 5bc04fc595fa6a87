//! ZIP, as far as envelopes and ASiC need it.
