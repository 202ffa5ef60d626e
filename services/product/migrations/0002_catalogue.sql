-- The shop's first 200 products: 20 kinds in 10 makes, the same in every installation.
INSERT INTO products (sku, name, description, category, price_cents, stock)
SELECT format('%s-%s', upper(left(make, 3)), lpad((kind_no * 10 + make_no)::text, 4, '0')),
       initcap(make || ' ' || kind),
       format('A %s made of %s, for %s.', kind, make, purpose),
       category,
       490 + (kind_no * 1373 + make_no * 719) % 19500,
       50 + (kind_no * 37 + make_no * 11) % 450
FROM unnest(
         ARRAY['lamp', 'chair', 'table', 'shelf', 'mug', 'kettle', 'pan', 'knife', 'notebook', 'pen',
               'backpack', 'wallet', 'scarf', 'hat', 'blanket', 'pillow', 'clock', 'vase', 'basket', 'tray'],
         ARRAY['living', 'living', 'living', 'living', 'kitchen', 'kitchen', 'kitchen', 'kitchen', 'office', 'office',
               'travel', 'travel', 'clothing', 'clothing', 'bedroom', 'bedroom', 'living', 'living', 'living', 'kitchen'],
         ARRAY['reading at night', 'long evenings', 'large families', 'many books', 'hot coffee', 'quick tea',
               'slow cooking', 'fine slicing', 'good ideas', 'quick notes', 'long journeys', 'small change',
               'cold mornings', 'sunny days', 'winter nights', 'deep sleep', 'being in time', 'fresh flowers',
               'picnics', 'breakfast in bed']
     ) WITH ORDINALITY AS kinds (kind, category, purpose, kind_no)
CROSS JOIN unnest(
         ARRAY['oak', 'walnut', 'steel', 'copper', 'linen', 'wool', 'cotton', 'leather', 'ceramic', 'bamboo']
     ) WITH ORDINALITY AS makes (make, make_no)
ORDER BY kind_no, make_no;
