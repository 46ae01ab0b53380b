# Turns the file IN into a C source OUT with the arrays embedded_NAME and embedded_NAME_size.
file(READ ${IN} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUT} "#include <stddef.h>\nextern const unsigned char embedded_${NAME}[];\nextern const size_t embedded_${NAME}_size;\nconst unsigned char embedded_${NAME}[] = {\n${bytes}\n0};\nconst size_t embedded_${NAME}_size = ${size};\n")
