//! edXML: the envelope of the inter-agency document exchange.
