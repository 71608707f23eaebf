-- Is there a cache of this format?
SELECT format, epoch, machine FROM {meta} WHERE format = :format;
