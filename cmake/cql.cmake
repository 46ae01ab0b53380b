# The CQL client (drivers/cql): a Rust library behind a C header, for the store on a ScyllaDB or Cassandra cluster.
#
# BOXOFFICE_CQL: AUTO builds it when cargo is new enough, OpenSSL's headers are there and the crates can be had;
# ON insists and says what is missing; OFF leaves cluster support out. After this, CQL_DRIVER is true or false and
# the target cql_driver is there in the first case.
#
# All presets share one cargo build, which no sanitizer sees: in the folder that the environment's CARGO_TARGET_DIR
# names when cmake configures, else in build/cargo.
set(BOXOFFICE_CQL AUTO CACHE STRING "Cluster support: AUTO, ON or OFF")
set_property(CACHE BOXOFFICE_CQL PROPERTY STRINGS AUTO ON OFF)
set(CQL_CARGO_NEEDED 1.89)
set(CQL_CRATE ${CMAKE_SOURCE_DIR}/drivers/cql)

# Sets ret_missing to what stands in the way, or to nothing.
function(cql_look_for_tools ret_missing)
  set(${ret_missing} "" PARENT_SCOPE)
  find_program(CARGO cargo)
  find_program(RUSTC rustc)
  if(NOT CARGO OR NOT RUSTC)
    set(${ret_missing} "there is no cargo" PARENT_SCOPE)
    return()
  endif()
  execute_process(COMMAND ${RUSTC} -vV OUTPUT_VARIABLE about ERROR_QUIET)
  if(NOT about MATCHES "release: ([0-9.]+)" OR CMAKE_MATCH_1 VERSION_LESS CQL_CARGO_NEEDED)
    set(${ret_missing} "rustc is older than ${CQL_CARGO_NEEDED}" PARENT_SCOPE)
    return()
  endif()
  string(REGEX MATCH "host: ([^\n]+)" _ "${about}")
  set(host ${CMAKE_MATCH_1}) # the next commands may match something of their own
  pkg_check_modules(CQL_OPENSSL QUIET IMPORTED_TARGET openssl)
  if(NOT CQL_OPENSSL_FOUND)
    set(${ret_missing} "OpenSSL's headers are missing" PARENT_SCOPE)
    return()
  endif()
  # Here, where a machine without a network can still say no, and not in the middle of the build.
  execute_process(COMMAND ${CARGO} fetch --quiet --locked --target ${host}
                  WORKING_DIRECTORY ${CQL_CRATE} RESULT_VARIABLE failed ERROR_VARIABLE why)
  if(failed)
    set(${ret_missing} "the crates of drivers/cql cannot be had: ${why}" PARENT_SCOPE)
  endif()
endfunction()

set(CQL_DRIVER FALSE)
if(BOXOFFICE_CQL STREQUAL "AUTO" OR BOXOFFICE_CQL STREQUAL "ON")
  cql_look_for_tools(cql_missing)
  if(NOT cql_missing)
    set(CQL_DRIVER TRUE)
  elseif(BOXOFFICE_CQL STREQUAL "ON")
    message(FATAL_ERROR "BOXOFFICE_CQL=ON: ${cql_missing}. It needs cargo and rustc >= ${CQL_CARGO_NEEDED} "
                        "(Debian 12: cargo-web, rustc-web) and libssl-dev; script/bootstrap cluster installs them.")
  else()
    message(STATUS "Built without cluster support: ${cql_missing}.")
  endif()
elseif(NOT BOXOFFICE_CQL STREQUAL "OFF")
  message(FATAL_ERROR "BOXOFFICE_CQL is AUTO, ON or OFF, not '${BOXOFFICE_CQL}'.")
endif()

if(CQL_DRIVER)
  if(DEFINED ENV{CARGO_TARGET_DIR})
    set(cargo_target $ENV{CARGO_TARGET_DIR})
  else()
    set(cargo_target ${CMAKE_SOURCE_DIR}/build/cargo)
  endif()
  set(cql_library ${CMAKE_BINARY_DIR}/libboxoffice_cql.a)
  file(GLOB cql_sources CONFIGURE_DEPENDS ${CQL_CRATE}/src/*.rs)
  add_custom_command(
    OUTPUT ${cql_library}
    COMMAND ${CARGO} build --quiet --release --frozen --target-dir ${cargo_target}
    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${cargo_target}/release/libboxoffice_cql.a ${cql_library}
    COMMAND ${CMAKE_COMMAND} -E touch ${cql_library}
    DEPENDS ${CQL_CRATE}/Cargo.toml ${CQL_CRATE}/Cargo.lock ${cql_sources}
    WORKING_DIRECTORY ${CQL_CRATE}
    COMMENT "Building the CQL client (cargo)"
    VERBATIM)
  add_custom_target(cql_build DEPENDS ${cql_library})
  add_library(cql_driver STATIC IMPORTED)
  set_target_properties(cql_driver PROPERTIES IMPORTED_LOCATION ${cql_library})
  target_link_libraries(cql_driver INTERFACE PkgConfig::CQL_OPENSSL m ${CMAKE_DL_LIBS} Threads::Threads)
  add_dependencies(cql_driver cql_build)
endif()
